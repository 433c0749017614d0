"""From scores to probabilities, and how well the probabilities hold.

A score ranks prompts; to act on it one wants a probability. Platt's sigmoid is fitted on prompts apart
from those it is judged on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

from forewarn.statistics.auroc import Floats
from forewarn.statistics.intervals import wilson
from forewarn.statistics.labels import Labels
from forewarn.statistics.ordered import counted_below, rising, take, ties

_STEPS = 100


@dataclass(frozen=True)
class Platt:
    """P(misaligned | score) = 1 / (1 + exp(-(slope x score + intercept)))."""

    slope: float
    intercept: float

    def probabilities(self, scores: NDArray[Any]) -> Floats:
        """float64 of the shape of `scores`, between 0 and 1."""
        found: Floats = expit(self.slope * np.asarray(scores, dtype=np.float64) + self.intercept)
        return found


def platt(scores: NDArray[Any], labels: Labels) -> Platt:
    """Fit Platt's sigmoid: logistic regression on one score, towards targets that are not quite 0 and 1.

    The targets (K + 1) / (K + 2) and 1 / (O + 2), for K misaligned and O other responses, are Platt's
    (1999). With them the fit exists even where the score separates the classes, and where there is one
    class only. Newton's method with step halving, as Lin, Lin and Weng (2007) advise; the problem is convex.

    Args:
        scores: float [prompts].
        labels: counts of the same prompts.

    Raises:
        ValueError: there is no scored response, or a score is not finite.
    """
    answered = labels.responses > 0
    scores, labels = np.asarray(scores, dtype=np.float64)[answered], labels[answered]
    if len(labels) == 0:
        raise ValueError("without a scored response there is nothing to calibrate on")
    if not np.isfinite(scores).all():
        raise ValueError("a score is not finite, so no sigmoid can be fitted to it")
    n = labels.responses.sum()
    centre = np.average(scores, weights=labels.responses)
    spread = np.sqrt(np.average((scores - centre) ** 2, weights=labels.responses))
    # Scores of any unit become numbers near 1, so that Newton's equations are well conditioned.
    varies = spread > 1e-12 * max(1.0, abs(float(centre)))
    standard = (scores - centre) / spread if varies else np.zeros(len(scores))
    misaligned = labels.misaligned.sum()
    high, low = (misaligned + 1) / (misaligned + 2), 1 / (n - misaligned + 2)
    wanted = high * labels.misaligned + low * labels.others
    slope, offset = _newton(standard, wanted, labels.responses.astype(np.float64))
    if not varies:
        return Platt(0.0, offset)
    return Platt(float(slope / spread), float(offset - slope * centre / spread))


def _newton(scores: Floats, wanted: Floats, responses: Floats) -> tuple[float, float]:
    """The two parameters at which the cross-entropy is least."""

    def loss(at: Floats) -> float:
        logits = at[0] * scores + at[1]
        return -float(wanted @ log_expit(logits) + (responses - wanted) @ log_expit(-logits))

    parameters = np.zeros(2)
    design = np.stack([scores, np.ones(len(scores))])
    for _ in range(_STEPS):
        chance = expit(parameters @ design)
        gradient = design @ (responses * chance - wanted)
        curvature = (design * (responses * chance * (1 - chance))) @ design.T
        step = np.linalg.solve(curvature + 1e-12 * responses.sum() * np.eye(2), gradient)
        before, size = loss(parameters), 1.0
        while loss(parameters - size * step) > before and size > 1e-10:
            size /= 2
        parameters = parameters - size * step
        if np.abs(size * step).max() < 1e-10:
            break
    return float(parameters[0]), float(parameters[1])


def calibration(
    probabilities: NDArray[Any], labels: Labels, bins: int = 10, confidence: float = 0.95
) -> dict[str, Any]:
    """How far predicted probabilities are from what happened.

    The bins hold equally many responses, as far as prompts can be split: all responses of a prompt, and
    all prompts of one prediction, share a bin. The intervals of the bins take responses for independent;
    beside them stands how many prompts they come from.

    Args:
        probabilities: float [prompts], predicted before these labels were seen.
        labels: counts of the same prompts.
        bins: how many, at most.
        confidence: of the Wilson intervals.

    Returns:
        `{"n", "brier", "brier_of_prevalence", "expected_calibration_error", "bins"}`. Brier scores are mean
        squared errors per response; the second one is that of predicting these prompts' prevalence for all,
        to be compared with. The expected calibration error is the mean distance of predicted and observed
        share, by responses. A bin is `{"predicted", "observed", "n", "n_prompts"}`. All None, with a
        "reason", where there is no scored response.
    """
    answered = labels.responses > 0
    chance, labels = np.asarray(probabilities, dtype=np.float64)[answered], labels[answered]
    n = int(labels.responses.sum())
    content: dict[str, Any] = {"n": n}
    if n == 0:
        figures = ("brier", "brier_of_prevalence", "expected_calibration_error")
        return content | dict.fromkeys(figures) | {"bins": [], "reason": "there is no scored response"}
    squared = labels.misaligned * (1 - chance) ** 2 + labels.others * chance**2
    prevalence = labels.misaligned.sum() / n
    table, error = [], 0.0
    where = _bins(chance, labels, bins)
    for number in np.unique(where):
        inside = where == number
        count, size = int(labels.misaligned[inside].sum()), int(labels.responses[inside].sum())
        predicted = float(np.average(chance[inside], weights=labels.responses[inside]))
        error += size / n * abs(predicted - count / size)
        observed = wilson(count, size, confidence).as_dict()
        table.append(
            {"predicted": predicted, "observed": observed, "n": size, "n_prompts": int(inside.sum())}
        )
    return content | {
        "brier": float(squared.sum() / n),
        "brier_of_prevalence": float(prevalence * (1 - prevalence)),
        "expected_calibration_error": error,
        "bins": table,
    }


def _bins(chance: Floats, labels: Labels, bins: int) -> NDArray[np.int64]:
    """Number of each prompt's bin: where the middle of its tie lies among all responses."""
    ordered, order = rising(chance)
    first, last = ties(ordered)
    below = counted_below(take(labels.responses, order))
    middle = (take(below, first) + take(below, last)) / 2
    found = np.empty(len(chance), dtype=np.int64)
    found[order] = np.minimum(np.floor(bins * middle / below[-1]), bins - 1)
    return found
