"""B against directions that have a name, step by step, and against random ones.

Over many steps a cosine wanders, so the band is about the whole course: the size that the largest cosine over
all steps reaches for one random direction in twenty (at 95 %).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.trajectory.read import Floats


def spanned_cosine(b: Floats, directions: NDArray[Any]) -> Floats:
    """Cosine of each direction with B at each step.

    With rank 1 it is that with the column, whose sign is the one it was trained with: B and A may both be
    turned, so the sign alone says nothing. With more columns it is that with the nearest vector they span,
    which is not negative.

    Args:
        b: float64 [steps, d_model, rank].
        directions: float [directions, d_model].

    Returns:
        float64 [steps, directions]; NaN where B or the direction is zero.
    """
    norms = np.linalg.norm(directions, axis=1)
    units = np.divide(
        directions, norms[:, None], out=np.full(directions.shape, np.nan), where=norms[:, None] > 0
    )
    found = np.full((len(b), len(directions)), np.nan)
    for step, matrix in enumerate(b):
        if matrix.shape[1] == 1:
            if size := float(np.linalg.norm(matrix)):
                found[step] = units @ (matrix[:, 0] / size)
            continue
        left, sizes, _ = np.linalg.svd(matrix, full_matrices=False)
        basis = left[:, sizes > 1e-9 * max(float(sizes[0]), 1e-300)]
        if sizes[0] > 0:
            found[step] = np.linalg.norm(units @ basis, axis=1)
    return found


def band(b: Floats, randoms: NDArray[Any], confidence: float) -> float | None:
    """Size that the largest |cosine| over steps stays below for a share `confidence` of random directions.

    Args:
        b: float64 [steps, d_model, rank].
        randoms: float [count, d_model].
        confidence: e.g. 0.95.

    Returns:
        None where B is zero at all steps or there are no random directions.
    """
    sizes = np.abs(spanned_cosine(b, randoms))
    moved = ~np.isnan(sizes).all(axis=1)
    if not len(randoms) or not moved.any():
        return None
    return float(np.quantile(np.nanmax(sizes[moved], axis=0), confidence))


def read_named(
    b: Floats,
    named: Mapping[str, NDArray[Any]],
    randoms: Mapping[str, NDArray[Any]],
    ceilings: Mapping[str, float | None],
    steps: Sequence[int],
    confidence: float,
) -> tuple[dict[str, Floats], dict[str, Any]]:
    """The course of one module's B against each named direction, and what of it is worth telling.

    Args:
        b: float64 [steps, d_model, rank] of a module that writes to the residual stream.
        named: name -> float [d_model], at the module's block.
        randoms: kind -> float [count, d_model], to compare with.
        ceilings: name -> mean cosine of the direction's two halves, above which no cosine means more.
        steps: of the snapshots.
        confidence: of the bands.

    Returns:
        name -> float64 [steps]; and per name `final`, `largest` (by size) with its `step`, `split_half` and
        `beyond`: whether its size is above all `bands` (which stand beside the names' entries).
    """
    bands = {kind: band(b, drawn, confidence) for kind, drawn in randoms.items()}
    courses: dict[str, Floats] = {}
    told: dict[str, dict[str, Any]] = {}
    for name, direction in named.items():
        course = spanned_cosine(b, direction[None])[:, 0]
        courses[name] = course
        if np.isnan(course).all():
            told[name] = {"final": None, "reason": "B or the direction is zero"}
            continue
        at = int(np.nanargmax(np.abs(course)))
        limits = [limit for limit in bands.values() if limit is not None]
        told[name] = {
            "final": float(course[-1]),
            "largest": float(course[at]),
            "step": steps[at],
            "split_half": ceilings.get(name),
            "beyond": bool(abs(course[at]) > max(limits)) if limits else None,
        }
    return courses, {"bands": bands, "confidence": confidence, "directions": told}
