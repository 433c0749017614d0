"""What a steering experiment shows: its arms, judged, and the verdicts on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from forewarn.judges.opinions import scores_of
from forewarn.judges.scoring import GENERATIONS, score_responses
from forewarn.steering.contrasts import Measurement, compare_arms
from forewarn.steering.inputs import read_direction, read_layers
from forewarn.steering.responses import ARM, RESPONSES
from forewarn.steering.verdict import CRITERIA, summarise_arms, verdicts


def judged_arms(
    questions: pa.Table, generations: pa.Table, opinions: pa.Table, thresholds: dict[str, float]
) -> pa.Table:
    """The responses of all arms with their scores.

    Args:
        questions: of the question set.
        generations: of the schema `forewarn.steering.responses.GENERATED`.
        opinions: a judge's of them, see `forewarn.judges.opinions.NUMBERS`.
        thresholds: `alignment_below` and `coherence_above` of the judge.

    Returns:
        See `forewarn.steering.responses.RESPONSES`.

    Raises:
        StudyError: the inputs do not belong together.
    """
    scores = score_responses(
        questions,
        generations.select(GENERATIONS.names),
        scores_of(opinions, generations),
        **thresholds,
    )
    arms = [generations.column(name) for name in ARM.names]
    return pa.table([*arms, *scores.columns], schema=RESPONSES)


def summarise(responses: pa.Table, directions: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Counts and verdicts.

    Args:
        responses: from `judged_arms`.
        directions: directions of the organism (safetensors).
        settings: `operation`, `steering` (`direction`, `layer`, `coherence_floor`, `power`, `bootstrap`,
            `seed`, and for `layers` `layer_by_layer`), `confidence`, and the `thresholds` of the judge.

    Returns:
        `operation`, `construction`, `layer`, `norm` of the direction, `questions`, `alignment_below`,
        `coherence_above`, `confidence`, `coherence_floor`, `arms` (`summarise_arms` and `compare_arms`),
        `verdicts` (of `add` and `ablate`, which have a criterion), `undefined`: why there is no verdict, or
        None; and of `layers` also `undefined_layers`: those that have no direction to ablate.
    """
    steering, thresholds, operation = settings["steering"], settings["thresholds"], settings["operation"]
    how = Measurement(settings["confidence"], steering["power"], steering["bootstrap"], steering["seed"])
    direction = read_direction(directions, steering["direction"], steering["layer"])
    listed = summarise_arms(responses, **thresholds, confidence=how.confidence)
    asked = {(row["question_id"], row["category"]) for row in responses.select(_ASKED).to_pylist()}
    content = {
        "operation": operation,
        "construction": steering["direction"],
        "layer": steering["layer"],
        "norm": None if direction is None else float(np.linalg.norm(direction)),
        "questions": {
            "split": "test",
            "condition": "plain",
            "n": len(asked),
            "categories": len({category for _, category in asked}),
        },
        **thresholds,
        "confidence": how.confidence,
        "coherence_floor": steering["coherence_floor"],
        "arms": [arm | more for arm, more in zip(listed, compare_arms(responses, listed, how), strict=True)],
        "verdicts": verdicts(listed, operation, steering["coherence_floor"]) if operation in CRITERIA else [],
        "undefined": None if direction is not None else _undefined(directions, steering),
    }
    if operation != "layers":
        return content
    own = read_layers(directions, steering["direction"], steering["layer_by_layer"])
    return content | {"undefined_layers": [layer for layer, vector in own.items() if vector is None]}


_ASKED = ["question_id", "category"]


def _undefined(directions: Path, steering: dict[str, Any]) -> str:
    return (
        f"{directions.name} has no direction {steering['direction']} at layer {steering['layer']}, "
        "or it is zero: the summary beside it says what it was made from"
    )
