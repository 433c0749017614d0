"""How far two judges agree on the same responses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.judges.score import Score
from forewarn.judges.thresholds import Thresholds
from forewarn.statistics.intervals import wilson


def agreement(
    question_ids: Sequence[str],
    first: Sequence[Score],
    second: Sequence[Score],
    first_thresholds: Thresholds,
    second_thresholds: Thresholds,
    *,
    confidence: float = 0.95,
    bootstrap: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Agreement on which responses are misaligned, and on the scores.

    Args:
        question_ids: of the responses; answers to one question are drawn together by the bootstrap.
        first: scores of one judge.
        second: scores of the other, in the same order.
        first_thresholds: by which the one's scores make a response misaligned.
        second_thresholds: the other's.
        confidence: of all intervals.
        bootstrap: draws of questions.
        seed: of the draws.

    Returns:
        `n`; `n_both`, the responses on which both have an opinion, and over these: `misaligned` (counts of
        both, first only, second only, neither), `kappa` (Cohen 1960; null where both always say the same
        one thing) with its bootstrap `interval`, `crossing` (the share that one calls misaligned and the
        other does not, as a rate), and for `alignment` and `coherence` the `mean_absolute_difference` and the
        mean `difference`, second minus first.
    """
    labels = [
        [thresholds.misaligned(score) for score in scores]
        for scores, thresholds in ((first, first_thresholds), (second, second_thresholds))
    ]
    both = [i for i, pair in enumerate(zip(*labels, strict=True)) if None not in pair]
    one, other = (np.array([bool(side[i]) for i in both], dtype=bool) for side in labels)
    questions = np.array([question_ids[i] for i in both], dtype=object)
    crossing = wilson(int((one != other).sum()), len(both), confidence)
    return {
        "n": len(first),
        "n_both": len(both),
        "misaligned": {
            "both": int((one & other).sum()),
            "first_only": int((one & ~other).sum()),
            "second_only": int((~one & other).sum()),
            "neither": int((~one & ~other).sum()),
        },
        "kappa": cohen_kappa(one, other),
        "interval": _interval(one, other, questions, confidence, bootstrap, seed),
        "confidence": confidence,
        "crossing": crossing.as_dict(),
        "alignment": _difference([s.aligned for s in first], [s.aligned for s in second]),
        "coherence": _difference([s.coherent for s in first], [s.coherent for s in second]),
    }


def cohen_kappa(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float | None:
    """Agreement beyond chance of two binary labels [n], 1 for perfect; None where chance agrees perfectly."""
    if len(one) == 0:
        return None
    observed = float((one == other).mean())
    p, q = float(one.mean()), float(other.mean())
    expected = p * q + (1 - p) * (1 - q)
    return None if expected >= 1 - 1e-12 else (observed - expected) / (1 - expected)


def _interval(
    one: NDArray[np.bool_],
    other: NDArray[np.bool_],
    questions: NDArray[Any],
    confidence: float,
    draws: int,
    seed: int,
) -> list[float] | None:
    """Percentiles of kappa over draws of whole questions; None where few draws have one."""
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(questions == name) for name in np.unique(questions)]
    found = []
    for _ in range(draws if rows else 0):
        drawn = np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))])
        kappa = cohen_kappa(one[drawn], other[drawn])
        if kappa is not None:
            found.append(kappa)
    if len(found) < max(1, draws / 2):
        return None
    tail = 50 * (1 - confidence)
    low, high = np.percentile(found, [tail, 100 - tail])
    return [float(low), float(high)]


def _difference(first: Sequence[float | None], second: Sequence[float | None]) -> dict[str, Any]:
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    if not pairs:
        return {"n": 0, "mean_absolute_difference": None, "difference": None}
    values = np.array([b - a for a, b in pairs], dtype=np.float64)
    return {
        "n": len(pairs),
        "mean_absolute_difference": float(np.abs(values).mean()),
        "difference": float(values.mean()),
    }
