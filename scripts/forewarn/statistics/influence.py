"""What AUROC would be without one of the prompts, and its standard error from that."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.statistics.auroc import Floats
from forewarn.statistics.labels import Labels
from forewarn.statistics.ordered import counted_below, rising, take, ties


def leave_one_out(
    scores: NDArray[Any], positives: NDArray[Any], negatives: NDArray[Any]
) -> tuple[Floats, Floats]:
    """AUROC, and AUROC without each of the prompts in turn: exactly, for the price of one sort.

    A prompt takes part in the pairs of its positives with the negatives below, and of its negatives with
    the positives above; its pairs with itself stand in both. The arguments are broadcast as in `auroc.area`.

    Args:
        scores: float [prompts] or [problems, prompts].
        positives: counts [..., prompts].
        negatives: counts [..., prompts].

    Returns:
        float64 [...] and float64 [..., prompts], NaN where no pair is left.
    """
    ordered, order = rising(scores)
    first, last = ties(ordered)
    positive = take(np.asarray(positives, dtype=np.float64), order)
    negative = take(np.asarray(negatives, dtype=np.float64), order)
    below, upto = counted_below(negative), counted_below(positive)
    lower = (take(below, first) + take(below, last)) / 2
    higher = upto[..., -1:] - (take(upto, first) + take(upto, last)) / 2
    concordant = (positive * lower).sum(axis=-1, keepdims=True)
    left = concordant - positive * lower - negative * higher + positive * negative / 2
    pairs = (upto[..., -1:] - positive) * (below[..., -1:] - negative)
    value = _share(concordant, upto[..., -1:] * below[..., -1:])[..., 0]
    without: Floats = take(_share(left, pairs), np.argsort(order, axis=-1))
    return value, without


def _share(concordant: Floats, pairs: Floats) -> Floats:
    concordant, pairs = np.broadcast_arrays(concordant, pairs)
    found: Floats = np.divide(concordant, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)
    return found


def standard_error(without: Floats) -> Floats:
    """Standard error by the jackknife over prompts, from values without each of them (Efron 1981).

    For AUROC of clustered data it agrees with Obuchowski's (1997), and with the bootstrap over prompts, but
    costs one sort. For a difference of two AUROCs on the same prompts, give the differences.

    Args:
        without: float64 [..., prompts].

    Returns:
        float64 [...], NaN where a value is.
    """
    n = without.shape[-1]
    centred = without - without.mean(axis=-1, keepdims=True)
    found: Floats = np.sqrt((n - 1) / n * (centred**2).sum(axis=-1))
    return found


def most_influential(scores: Floats, labels: Labels) -> dict[str, Any]:
    """Whether AUROC hangs on a single prompt.

    Args:
        scores: float64 [prompts].
        labels: counts of the same prompts.

    Returns:
        `{"prompt", "auroc", "without", "range", "undefined"}`: the position of the prompt whose removal moves
        AUROC most, AUROC with and without it, the lowest and the highest AUROC over all removals, and how
        many removals leave one class only. None with a "reason" where there is no AUROC to move.
    """
    nothing = {"prompt": None, "auroc": None, "without": None, "range": None}
    if reason := labels.one_class():
        return nothing | {"undefined": len(labels), "reason": reason}
    found, areas = leave_one_out(scores, labels.misaligned, labels.others)
    value, undefined = float(found), int(np.isnan(areas).sum())
    if undefined == len(areas):
        reason = "without any one prompt there is one class only"
        return nothing | {"auroc": value, "undefined": undefined, "reason": reason}
    prompt = int(np.nanargmax(np.abs(areas - value)))
    return {
        "prompt": prompt,
        "auroc": value,
        "without": float(areas[prompt]),
        "range": [float(np.nanmin(areas)), float(np.nanmax(areas))],
        "undefined": undefined,
    }
