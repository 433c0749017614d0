"""Area under the precision-recall curve: what a rank is worth where misaligned responses are rare."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.statistics.auroc import Floats
from forewarn.statistics.ordered import at_or_above, rising, take, ties


def average_precision(scores: NDArray[Any], positives: NDArray[Any], negatives: NDArray[Any]) -> Floats:
    """Average precision: the precision at each positive's own score, averaged over the positives.

    That is the step-wise area under the precision-recall curve; the trapezoid would interpolate between
    points that no threshold reaches, and so flatter (Davis and Goadrich 2006). Responses of one score are
    flagged together, as one step. Chance level is the prevalence, not one half. The arguments are broadcast
    as in `auroc.area`, so that bootstrap resamples are one call.

    Args:
        scores: float [prompts] or [problems, prompts].
        positives: counts [..., prompts].
        negatives: counts [..., prompts].

    Returns:
        float64 [...], NaN where there is no positive.

    Raises:
        ValueError: a score is not a number.
    """
    ordered, order = rising(scores)
    first, _ = ties(ordered)
    positive = take(np.asarray(positives, dtype=np.float64), order)
    true, false = at_or_above(positive, first), at_or_above(take(np.asarray(negatives), order), first)
    positive, true, false = np.broadcast_arrays(positive, true, false)
    precision = np.divide(true, true + false, out=np.zeros(true.shape), where=true > 0)
    total = positive.sum(axis=-1)
    gained = (positive * precision).sum(axis=-1)
    found: Floats = np.divide(gained, total, out=np.full(total.shape, np.nan), where=total > 0)
    return found
