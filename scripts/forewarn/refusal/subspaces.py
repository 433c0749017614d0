"""Subspaces beside single vectors: principal angles (Bjorck and Golub 1973), held against random subspaces.

Two directions may differ while the subspaces agree that they were taken from: each construction, and each
position behind the instruction, gives another vector. So what they span is compared, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_TOLERANCE = 1e-6


def basis(vectors: NDArray[Any], rank: int) -> Floats:
    """Orthonormal basis of what some vectors span, by their largest singular values.

    Each vector is brought to norm 1 before, so that none counts for its length; zero vectors are left out.

    Args:
        vectors: float [n, d].
        rank: dimensions at most.

    Returns:
        float64 [k, d], k <= min(rank, n, d): singular values below 1e-6 of the largest span nothing.
    """
    rows = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(rows, axis=1)
    rows = rows[norms > 0] / norms[norms > 0, None]
    if len(rows) == 0:
        return np.zeros((0, rows.shape[1]))
    _, sizes, right = np.linalg.svd(rows, full_matrices=False)
    found: Floats = right[: min(rank, int(np.sum(sizes > _TOLERANCE * sizes[0])))]
    return found


def principal_cosines(first: Floats, second: Floats) -> Floats:
    """Cosines of the principal angles of two subspaces, descending.

    Args:
        first: orthonormal basis [k, d].
        second: orthonormal basis [m, d].

    Returns:
        float64 [min(k, m)], 0 to 1.
    """
    if min(len(first), len(second)) == 0:
        return np.zeros(0)
    cosines: Floats = np.clip(np.linalg.svd(first @ second.T, compute_uv=False), 0.0, 1.0)
    return cosines


def overlap(cosines: Floats) -> float:
    """Mean squared cosine of the principal angles, 0 (orthogonal) to 1 (one within the other); NaN of none.

    Of two random subspaces it is max(k, m) / d on average.
    """
    return float(np.mean(cosines**2)) if len(cosines) else float("nan")


def null_overlaps(second: Floats, rank: int, randoms: Floats) -> tuple[Floats, Floats]:
    """First principal cosine and overlap of a subspace with random subspaces.

    Args:
        second: orthonormal basis [m, d].
        rank: dimensions of each random subspace.
        randoms: float64 [draws * rank, d]; consecutive rows span one subspace.

    Returns:
        float64 [draws] and float64 [draws].
    """
    found = [
        principal_cosines(basis(randoms[start : start + rank], rank), second)
        for start in range(0, len(randoms) - rank + 1, rank)
    ]
    return (
        np.array([cosines.max(initial=0.0) for cosines in found]),
        np.array([overlap(cosines) for cosines in found]),
    )
