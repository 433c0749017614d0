"""Which of a prompt's responses will be misaligned, as read after t of their tokens.

At the last prompt token (t = 0) nothing can tell a prompt's responses apart. From the first sampled token on
the residual stream may; but then a reader of the text sees the same tokens, and is the bar. Whatever is fitted
to labels here is fitted on other prompts than it scores. A response that is shorter than t is read whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.detection.curve_statistics import Judge
from forewarn.detection.held_out import folds_of, probe_scores, text_scores
from forewarn.detection.labelled import Labelled, label
from forewarn.detection.readers import project
from forewarn.detection.shared_reading import Sharing, averaged, sharing
from forewarn.errors import StudyError
from forewarn.geometry.prefixes import Prefixes, read_prefixes
from forewarn.statistics.auroc import Floats

ESTIMAND = (
    "Whether a response to a prompt will be misaligned, told from its first t tokens, among responses of the "
    "same prompt: AUROC within each prompt, averaged over the prompts that have both classes."
)
THEOREM = (
    "At t = 0 all responses of a prompt share one reading, so AUROC within prompts is 0.5. From t = 1 on it "
    "may rise; what the text of the same tokens tells is the bar, not 0.5."
)
SCORES = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("sample", pa.int32(), nullable=False),
        pa.field("misaligned", pa.bool_(), nullable=False),
        pa.field("t", pa.int32(), nullable=False),
        pa.field("reader", pa.string(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
    ]
)
PROBE, TEXT = "probe", "text"
Directions = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Settings:
    """How the curve is measured.

    Attributes:
        folds: groups of whole prompts that are left out in turn; None leaves out one prompt at a time.
        probe_strength: inverse penalty of the probe.
        text_strength: inverse penalty of the reader of text.
        tie_tolerance: spread at t = 0 up to which a prompt's responses share one reading; see `sharing`.
        bootstrap: resamples of prompts.
        permutations: shufflings of the labels inside prompts.
        seed: of folds, resamples and shufflings.
        confidence: of intervals and null bands.
    """

    folds: int | None
    probe_strength: float
    text_strength: float
    tie_tolerance: float
    bootstrap: int
    permutations: int
    seed: int
    confidence: float


@dataclass(frozen=True)
class _Curve:
    prefixes: Prefixes
    responses: Labelled
    judge: Judge
    fold: NDArray[np.int64]
    settings: Settings


def token_curve(
    prefixes: Path, scores: Path, settings: Settings, directions: Directions | None = None
) -> tuple[dict[str, Any], pa.Table]:
    """Measure all readers after each number of tokens.

    Args:
        prefixes: table of prefixes.
        scores: labels of the same responses (question_id, sample, misaligned).
        settings: how to measure.
        directions: float [d_model] each, of the layer that the table holds.

    Returns:
        The summary and the scores (schema `SCORES`). The summary holds "estimand", "theorem", "layers",
        "features", "counts", "settings", "last_prompt_token" (see `Sharing`, with "auroc_of_noise": that of a
        probe on the readings as they are, in which ties are not made), and "points": per t `{"t",
        "mean_tokens", "n_shorter" (responses with fewer than t tokens), "readers": {name: {"within_prompt",
        "pooled", "null", "gain"}}}`; "null" is missing for the reader of text, "gain" is over it.

    Raises:
        StudyError: an input cannot be used, or a direction has another width than the readings.
    """
    table = read_prefixes(prefixes)
    responses = label(table.keys, scores)
    judge = Judge(responses, settings.bootstrap, settings.permutations, settings.seed, settings.confidence)
    fold = folds_of(responses.prompt, settings.folds, settings.seed)
    curve = _Curve(table, responses, judge, fold, settings)
    points, columns, ground = [], [], None
    for step in range(len(table.steps)):
        readings = table.readings(step)[responses.rows].astype(np.float64)
        if step == 0:
            features = readings.shape[1]
            apart = sharing(readings, responses.prompt, settings.tie_tolerance)
            ground = _ground(curve, readings, apart)
            readings = averaged(readings, responses.prompt) if apart.shared else readings
        point, read = _point(curve, step, readings, directions or {})
        points.append(point)
        columns += [_rows(curve, step, name, found) for name, found in read.items()]
    summary = {
        "estimand": ESTIMAND,
        "theorem": THEOREM,
        "layers": list(table.layers),
        "features": features,
        "counts": responses.counts(len(table.empty), settings.confidence),
        "folds": len(np.unique(fold)),
        "settings": vars(settings),
        "last_prompt_token": ground,
        "points": points,
    }
    return summary, pa.concat_tables(columns)


def _point(
    curve: _Curve, step: int, readings: Floats, directions: Directions
) -> tuple[dict[str, Any], dict[str, Floats]]:
    """All readers after one number of tokens, and their scores."""
    judge, settings = curve.judge, curve.settings
    fitted = probe_scores(readings, judge.labellings, curve.fold, settings.probe_strength)
    read = {PROBE: fitted[0], **{name: _project(readings, name, vector) for name, vector in directions.items()}}
    texts = curve.prefixes.texts[step][curve.responses.rows]
    read[TEXT] = text_scores(texts, curve.responses.misaligned, curve.fold, settings.text_strength)
    pairs = {name: judge.pairs(scores) for name, scores in read.items()}
    readers = {name: judge.areas(found) for name, found in pairs.items()}
    for name in readers:
        if name != TEXT:
            readers[name]["null"] = judge.null(fitted if name == PROBE else read[name])
            readers[name]["gain"] = judge.gain(pairs[name], pairs[TEXT])
    tokens = curve.prefixes.tokens[step][curve.responses.rows]
    t = curve.prefixes.steps[step]
    point = {
        "t": t,
        "mean_tokens": float(tokens.mean()),
        "n_shorter": int(np.sum(tokens < t)),
        "readers": readers,
    }
    return point, read


def _ground(curve: _Curve, readings: Floats, apart: Sharing) -> dict[str, Any]:
    judge = curve.judge
    noise = probe_scores(readings, judge.labellings[:1], curve.fold, curve.settings.probe_strength)[0]
    return apart.as_dict() | {"auroc_of_noise": judge.areas(judge.pairs(noise))["within_prompt"]}


def _project(readings: Floats, name: str, direction: NDArray[Any]) -> Floats:
    if direction.shape != readings.shape[1:]:
        raise StudyError(
            f"the readings have width {readings.shape[1]}, but the direction {name} has {direction.shape[-1]}",
            "use directions and readings of one model and layer",
        )
    return project(readings, direction)


def _rows(curve: _Curve, step: int, reader: str, scores: Floats) -> pa.Table:
    count = len(scores)
    columns = {
        "question_id": [question for question, _ in curve.responses.keys],
        "sample": [sample for _, sample in curve.responses.keys],
        "misaligned": curve.responses.misaligned,
        "t": np.full(count, curve.prefixes.steps[step], dtype=np.int32),
        "reader": [reader] * count,
        "score": scores,
    }
    return pa.table(columns, schema=SCORES)
