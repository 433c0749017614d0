"""Random unit directions: what any effect of a direction has to beat.

Isotropic directions mostly point where the model never goes. Covariance-matched ones point where its
activations vary, and so are the harder control of the two.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.errors import StudyError


def isotropic(count: int, dimension: int, seed: int) -> NDArray[np.float64]:
    """Directions drawn uniformly from the sphere: float64 [count, dimension], rows of norm 1."""
    return _unit(np.random.default_rng(seed).standard_normal((count, dimension)))


def covariance_matched(activations: NDArray[Any], count: int, seed: int) -> NDArray[np.float64]:
    """Directions drawn from a normal with the covariance of `activations`, then scaled to norm 1.

    A normal combination of the centred rows has their covariance, so the d x d matrix is never formed.

    Args:
        activations: float [n, d].
        count: how many.
        seed: of the draw.

    Returns:
        float64 [count, d].

    Raises:
        StudyError: the rows do not vary, so they have no covariance to match.
    """
    rows = np.asarray(activations, dtype=np.float64)
    centred = rows - rows.mean(axis=0, keepdims=True) if len(rows) else rows
    if not np.any(centred):
        raise StudyError(
            f"{len(rows)} activation rows do not vary, so no random direction can match their covariance",
            "use at least two different prompts",
        )
    return _unit(np.random.default_rng(seed).standard_normal((count, len(rows))) @ centred)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled
