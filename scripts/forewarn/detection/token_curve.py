"""Which of a prompt's responses will be misaligned, as read after t of their tokens.

At the last prompt token (t = 0) nothing can tell a prompt's responses apart. From the first sampled token on
the residual stream may; but then a reader of the text sees the same tokens, and is the bar. Whatever is
fitted to labels here is fitted on other prompts than it scores. A response that is shorter than t is read
whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.detection.held_out import Fitted, as_one, first_of, held_out, probe, words
from forewarn.detection.labelled import Labelled, label
from forewarn.detection.readers import project
from forewarn.detection.response_evaluation import ResponseEvaluator, Scored
from forewarn.detection.shared_reading import averaged, sharing
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

    def evaluator(self, responses: Labelled) -> ResponseEvaluator:
        """What measures readers of these responses."""
        return ResponseEvaluator(
            responses, self.folds, self.bootstrap, self.permutations, self.seed, self.confidence
        )


@dataclass(frozen=True)
class _Curve:
    prefixes: Prefixes
    evaluator: ResponseEvaluator
    settings: Settings

    @property
    def responses(self) -> Labelled:
        return self.evaluator.responses

    def point(
        self, step: int, readings: Floats, directions: Directions, shared: bool
    ) -> tuple[dict[str, Any], dict[str, Scored]]:
        """All readings after one number of tokens; `shared` if a prompt's responses have one reading."""
        evaluator, settings, responses = self.evaluator, self.settings, self.responses
        fits = [probe(readings, evaluator.labellings, settings.probe_strength), self.probe(readings)]
        lines = {name: _project(readings, name, each) for name, each in directions.items()}
        if shared:
            fits = [as_one(fitted, responses.prompt) for fitted in fits]
            lines = {name: first_of(line, responses.prompt) for name, line in lines.items()}
        shuffled = held_out(fits[0], evaluator.fold)
        told = words(self.prefixes.texts[step][responses.rows], responses.misaligned, settings.text_strength)
        read = {
            PROBE: evaluator.scored(shuffled[0], fits[1]),
            **{name: evaluator.scored(line) for name, line in lines.items()},
            TEXT: evaluator.scored(held_out(told, evaluator.fold), told),
        }
        readers = {name: evaluator.areas(scored) for name, scored in read.items()}
        for name, scored in read.items():
            if name != TEXT:
                readers[name]["null"] = evaluator.null(shuffled if name == PROBE else scored.scores)
                readers[name]["gain"] = evaluator.gain(scored, read[TEXT])
        tokens, t = self.prefixes.tokens[step][responses.rows], self.prefixes.steps[step]
        point = {"t": t, "mean_tokens": float(tokens.mean()), "n_shorter": int(np.sum(tokens < t))}
        return point | {"readers": readers}, read

    def probe(self, readings: Floats) -> Fitted:
        """A probe of the labels as they are."""
        return probe(readings, self.responses.misaligned[None], self.settings.probe_strength)

    def noise(self, readings: Floats) -> dict[str, Any]:
        """What a probe makes of the readings at the last prompt token as they are, rounding and all."""
        fitted = self.probe(readings)
        scores = held_out(fitted, self.evaluator.fold)[0]
        found: dict[str, Any] = self.evaluator.areas(self.evaluator.scored(scores, fitted))["within_prompt"]
        return found

    def rows(self, step: int, reader: str, scores: Floats) -> pa.Table:
        """Rows of schema `SCORES`."""
        count = len(scores)
        columns = {
            "question_id": [question for question, _ in self.responses.keys],
            "sample": [sample for _, sample in self.responses.keys],
            "misaligned": self.responses.misaligned,
            "t": np.full(count, self.prefixes.steps[step], dtype=np.int32),
            "reader": [reader] * count,
            "score": scores,
        }
        return pa.table(columns, schema=SCORES)


def token_curve(
    prefixes: Path,
    scores: Path,
    settings: Settings,
    directions: Directions | None = None,
    layer: int | None = None,
) -> tuple[dict[str, Any], pa.Table]:
    """Measure all readers after each number of tokens.

    Args:
        prefixes: table of prefixes.
        scores: labels of the same responses (question_id, sample, misaligned).
        settings: how to measure.
        directions: float [d_model] each, of the layer that is read.
        layer: which to read; None takes all that the table holds, side by side.

    Returns:
        The summary and the scores (schema `SCORES`). The summary holds "estimand", "theorem", "layers",
        "features", "counts", "folds", "settings", "last_prompt_token" (see `Sharing`, with "auroc_of_noise":
        that of a probe of the readings as they are), and "points": per t `{"t", "mean_tokens", "n_shorter"
        (responses with fewer than t tokens), "readers": {name: {"within_prompt", "pooled", "null",
        "gain"}}}`, see `ResponseEvaluator`; the gain is over the reader of text, which has neither null nor
        gain.

    Raises:
        StudyError: an input cannot be used, or a direction has another width than the readings.
    """
    table = read_prefixes(prefixes, None if layer is None else [layer])
    responses = label(table.keys, scores)
    curve = _Curve(table, settings.evaluator(responses), settings)
    points, columns, ground, features = [], [], {}, 0
    for step in range(len(table.steps)):
        readings = table.readings(step)[responses.rows].astype(np.float64)
        shared = False
        if step == 0:
            features = readings.shape[1]
            apart = sharing(readings, responses.prompt, settings.tie_tolerance)
            ground = apart.as_dict() | {"auroc_of_noise": curve.noise(readings)}
            shared = apart.shared
            readings = averaged(readings, responses.prompt) if shared else readings
        point, read = curve.point(step, readings, directions or {}, shared)
        points.append(point)
        columns += [curve.rows(step, name, scored.scores) for name, scored in read.items()]
    summary = {
        "estimand": ESTIMAND,
        "theorem": THEOREM,
        "layers": list(table.layers),
        "features": features,
        "counts": responses.counts(len(table.empty), settings.confidence),
        "folds": int(curve.evaluator.fold.max()) + 1,
        "settings": asdict(settings),
        "last_prompt_token": ground,
        "points": points,
    }
    return summary, pa.concat_tables(columns)


def _project(readings: Floats, name: str, direction: NDArray[Any]) -> Floats:
    if direction.shape != readings.shape[1:]:
        raise StudyError(
            f"the readings have width {readings.shape[1]}, but the direction {name} {direction.shape[-1]}",
            "use directions and readings of one model and layer",
        )
    return project(readings, direction)
