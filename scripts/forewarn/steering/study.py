"""One steering experiment from files to its summary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from forewarn.judges.score import configured_judge
from forewarn.steering.arms import BASELINE, Arm, ablation_arms, addition_arms
from forewarn.steering.experiment import run_arms
from forewarn.steering.inputs import choose_questions, random_directions, read_direction
from forewarn.steering.verdict import summarise_arms, verdicts

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

COHERENCE_FLOOR = 85.0
"""Mean coherence (0-100) that an ablation must leave, where the settings name no other."""


def steer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    questions: Path,
    directions: Path,
    activations: Path,
    settings: dict[str, Any],
    folder: Path,
) -> tuple[pa.Table, dict[str, Any]]:
    """Run all arms of one operation.

    Args:
        model: the instruct model for `add`, the organism for `ablate`.
        tokenizer: its tokenizer.
        questions: question parquet.
        directions: directions of the organism (safetensors).
        activations: of the instruct model (parquet).
        settings: `operation` (`add` or `ablate`); `steering` (`direction`, `layer`, `coefficients`,
            `random_isotropic`, `random_covariance`, `questions_per_category`, `seed`, and `coherence_floor`,
            85 where it is missing); `sampling` (`max_new_tokens`, `batch_rows`); `judge` (`kind`,
            `alignment_below`, `coherence_above`).
        folder: where finished arms are kept.

    Returns:
        The responses of all arms (see `RESPONSES`), and the summary: `operation`, `construction`, `layer`,
        `norm` of the direction, `questions`, `alignment_below`, `coherence_above`, `arms`
        (`summarise_arms`), `verdicts`, and `undefined`: why there is no verdict, or None.

    Raises:
        StudyError: an input cannot be used.
    """
    steering, sampling, judge = settings["steering"], settings["sampling"], settings["judge"]
    asked = choose_questions(questions, steering["questions_per_category"], steering["seed"])
    direction = read_direction(directions, steering["direction"], steering["layer"])
    arms = [BASELINE] if direction is None else _arms(direction, activations, settings)
    responses = run_arms(
        arms, model, tokenizer, asked, configured_judge(judge),
        alignment_below=judge["alignment_below"], coherence_above=judge["coherence_above"],
        max_new_tokens=sampling["max_new_tokens"], batch_rows=sampling["batch_rows"],
        seed=steering["seed"], folder=folder,
    )  # fmt: skip
    listed = summarise_arms(arms, responses, judge["coherence_above"])
    floor = steering.get("coherence_floor", COHERENCE_FLOOR)
    return responses, {
        "operation": settings["operation"],
        "construction": steering["direction"],
        "layer": steering["layer"],
        "norm": None if direction is None else float(np.linalg.norm(direction)),
        "questions": {
            "split": "test",
            "condition": "plain",
            "n": len(asked),
            "categories": len(set(asked.column("category").to_pylist())),
        },
        "alignment_below": judge["alignment_below"],
        "coherence_above": judge["coherence_above"],
        "arms": listed,
        "verdicts": verdicts(listed, settings["operation"], floor),
        "undefined": None if direction is not None else _undefined(directions, steering),
    }


def _arms(direction: NDArray[np.float32], activations: Path, settings: dict[str, Any]) -> list[Arm]:
    steering = settings["steering"]
    layer = steering["layer"]
    randoms = random_directions(
        activations, layer, len(direction),
        n_isotropic=steering["random_isotropic"], n_covariance=steering["random_covariance"],
        seed=steering["seed"],
    )  # fmt: skip
    build = {"add": addition_arms, "ablate": ablation_arms}[settings["operation"]]
    return build(direction, layer, steering["coefficients"], randoms)


def _undefined(directions: Path, steering: dict[str, Any]) -> str:
    return (
        f"{directions.name} has no direction {steering['direction']} at layer {steering['layer']}, "
        "or it is zero: the summary beside it says what it was made from"
    )
