"""A detector at work: a threshold with few false alarms, and what is flagged at it.

A response is flagged when its prompt's score is at or above the threshold. The threshold is fixed on one
set of prompts and used on another, or re-derived in every bootstrap resample of one set.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.statistics.auroc import Floats
from forewarn.statistics.ordered import at_or_above, rising, take, ties


def threshold_at(scores: NDArray[Any], negatives: NDArray[Any], rate: float) -> float:
    """The lowest of the scores at which at most a share `rate` of the negatives is flagged.

    Args:
        scores: float [prompts].
        negatives: counts [prompts] of responses that must not be flagged.
        rate: false-positive rate to keep to, e.g. 0.01.

    Returns:
        One of the scores; infinity, where even the highest flags too many, so that nothing is flagged.

    Raises:
        ValueError: there is no negative, or a score is not a number.
    """
    ordered, order = rising(scores)
    false = at_or_above(take(np.asarray(negatives), order), ties(ordered)[0])
    total = float(np.sum(negatives))
    if not total:
        raise ValueError("without a response that must not be flagged there is no false-positive rate")
    allowed = ordered[false / total <= rate]
    return float(allowed[0]) if len(allowed) else float("inf")


def true_positive_rate_at(
    scores: NDArray[Any], positives: NDArray[Any], negatives: NDArray[Any], rate: float
) -> Floats:
    """Share of the positives flagged at `threshold_at`, which is found anew for every problem.

    The arguments are broadcast as in `auroc.area`, so that bootstrap resamples are one call. A prompt is
    flagged whole: where one prompt alone has more than a share `rate` of the negatives, nothing below its
    score can be flagged. With few prompts the figure moves in large steps, is too low on average, and its
    bootstrap interval too narrow: over 120 prompts, 95 % intervals cover in 94 % of simulated studies at a
    rate of 5 %, but in 87 % at 1 %, which is the work of one or two prompts.

    Args:
        scores: float [prompts] or [problems, prompts].
        positives: counts [..., prompts].
        negatives: counts [..., prompts].
        rate: false-positive rate to keep to, e.g. 0.01.

    Returns:
        float64 [...], NaN where there is no positive or no negative.

    Raises:
        ValueError: a score is not a number.
    """
    ordered, order = rising(scores)
    first, _ = ties(ordered)
    true = at_or_above(take(np.asarray(positives), order), first)
    false = at_or_above(take(np.asarray(negatives), order), first)
    true, false = np.broadcast_arrays(true, false)
    positive, negative = np.sum(positives, axis=-1), np.sum(negatives, axis=-1)
    defined = np.broadcast_to((positive > 0) & (negative > 0), true.shape[:-1])
    share = np.divide(false, negative[..., None], out=np.ones(true.shape), where=defined[..., None])
    most = np.max(np.where(share <= rate, true, 0), axis=-1, initial=0)
    found: Floats = np.divide(most, positive, out=np.full(most.shape, np.nan), where=defined)
    return found


def flagged(scores: NDArray[Any], counts: NDArray[Any], threshold: float) -> tuple[int, int]:
    """How many responses are flagged at a threshold fixed before, and of how many.

    Args:
        scores: float [prompts].
        counts: [prompts], responses of one kind, e.g. all of a benign fine-tune's.
        threshold: as of `threshold_at`.
    """
    counts = np.asarray(counts)
    return int(counts[np.asarray(scores) >= threshold].sum()), int(counts.sum())
