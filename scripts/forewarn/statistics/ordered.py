"""Sorted scores and their ties, for statistics that count responses instead of repeating them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def rising(scores: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The scores in rising order along the last axis, and the order that makes them rise.

    Raises:
        ValueError: a score is not a number.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if np.isnan(scores).any():
        raise ValueError("a score is not a number, so it has no rank")
    order = np.argsort(scores, axis=-1, kind="stable")
    return np.take_along_axis(scores, order, axis=-1), order


def take(values: NDArray[Any], index: NDArray[np.int64]) -> NDArray[Any]:
    """Elements along the last axis, by one index for all problems or by one for each."""
    if index.ndim == 1:
        return values[..., index]
    shape = (*np.broadcast_shapes(values.shape[:-1], index.shape[:-1]), values.shape[-1])
    return np.take_along_axis(np.broadcast_to(values, shape), index, axis=-1)


def ties(ordered: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each of the rising scores, how many are lower, and how many are lower or equal."""
    n = ordered.shape[-1]
    place = np.arange(n)
    new = ordered[..., 1:] != ordered[..., :-1]
    edge = np.ones((*ordered.shape[:-1], min(n, 1)), dtype=bool)
    first = np.maximum.accumulate(np.where(np.concatenate([edge, new], axis=-1), place, 0), axis=-1)
    ends = np.where(np.concatenate([new, edge], axis=-1), place + 1, n)
    return first, np.minimum.accumulate(ends[..., ::-1], axis=-1)[..., ::-1]


def counted_below(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Sums of the first 0, 1, ... n counts along the last axis: float64 [..., n + 1]."""
    start = np.zeros((*counts.shape[:-1], 1))
    return np.concatenate([start, np.cumsum(counts, axis=-1, dtype=np.float64)], axis=-1)


def at_or_above(risen: NDArray[Any], first: NDArray[np.int64]) -> NDArray[np.float64]:
    """How many are counted at or above each score: float64 [..., n].

    Args:
        risen: counts [..., n] in the rising order of the scores.
        first: of each score, how many are lower; see `ties`.
    """
    below = counted_below(risen)
    above: NDArray[np.float64] = below[..., -1:] - take(below, first)
    return above
