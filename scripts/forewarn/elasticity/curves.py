"""Curves of a return: what is left of a change after so many rows of the opposite data, and its half.

All measures of one organism are put on one scale: 1 is where the pushing began, 0 is the instruct model. Half
of the way is a point that every curve which returns must pass, whatever its units.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
HALF = 0.5
"""The share at which a change counts as half undone."""


def remaining(values: Floats, instruct: Floats) -> Floats:
    """The share of a change that is left.

    Args:
        values: float64 [..., points], the first where the pushing begins.
        instruct: float64 [...], the instruct model's.

    Returns:
        float64 [..., points], 1 at the first; NaN where there was no change.
    """
    distance = values - instruct[..., None]
    start = distance[..., :1]
    found: Floats = np.divide(
        distance, start, out=np.full(distance.shape, np.nan), where=np.abs(start) > 1e-12
    )
    return found


def half_return(shares: Floats, rows: NDArray[Any]) -> Floats:
    """Rows until half of the change is undone, on the straight line between the points around it.

    Args:
        shares: float64 [..., points], from `remaining`.
        rows: [points], rising from 0.

    Returns:
        float64 [...]; infinity where no point is that low, NaN where there was no change.
    """
    shares, rows = np.asarray(shares, np.float64), np.asarray(rows, np.float64)
    below = shares <= HALF
    last = np.maximum(below.argmax(axis=-1), 1)
    after = np.take_along_axis(shares, last[..., None], -1)[..., 0]
    before = np.take_along_axis(shares, last[..., None] - 1, -1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (before - HALF) / (before - after)
    crossing = rows[last - 1] + part * (rows[last] - rows[last - 1])
    found: Floats = np.where(below.any(axis=-1), crossing, np.inf)
    return np.where(np.isnan(shares).any(axis=-1), np.nan, found)


def weighted(values: NDArray[Any], sizes: NDArray[Any], prompts: NDArray[Any], seeds: NDArray[Any]) -> Floats:
    """Means over drawn prompts and drawn runs, for each draw.

    Args:
        values: [runs, points, prompts], sums, e.g. of misaligned responses.
        sizes: [runs, points, prompts], of how many.
        prompts: [draws, prompts], how often each counts.
        seeds: [draws, runs], how often each counts.

    Returns:
        float64 [draws, points], NaN where nothing was drawn that has a size.
    """

    def total(each: NDArray[Any]) -> Floats:
        of_runs = np.tensordot(prompts.astype(np.float64), each.astype(np.float64), axes=(1, 2))
        summed: Floats = np.einsum("bs,bsk->bk", seeds.astype(np.float64), of_runs)
        return summed

    above, below = total(values), total(sizes)
    found: Floats = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return found
