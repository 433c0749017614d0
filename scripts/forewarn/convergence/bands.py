"""How large a cosine gets by chance: that of two random directions, drawn independently of each other.

Isotropic ones give 0 +- 1.96 / sqrt(d_model) at 95 %. But activations vary along few directions, and what
points where they vary points the same way more often. In a small model that makes the band several times as
wide, so that both are told, and a cosine counts where it is beyond both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from forewarn.geometry.directions import cosine
from forewarn.geometry.weighing import Floats
from forewarn.steering.arms import Kind
from forewarn.steering.inputs import random_directions

KINDS: tuple[Kind, ...] = ("random_isotropic", "random_covariance")


def random_cosines(
    instruct: tuple[Path, Path], layer: int, dimension: int, count: int, seed: int
) -> dict[str, Floats]:
    """Absolute cosines of pairs of random directions, one kind at a time.

    Args:
        instruct: activations of the instruct model over the answers of one organism, and over those of the
            other; each gives the covariance of one direction of a pair.
        layer: where they are read.
        dimension: d_model.
        count: pairs of each kind.
        seed: of the draw.

    Returns:
        float64 [count] for each of `KINDS`.
    """
    drawn = [
        random_directions(path, layer, dimension, n_isotropic=count, n_covariance=count, seed=each)
        for path, each in ((instruct[0], 2 * seed), (instruct[1], 2 * seed + 1))
    ]
    return {kind: np.abs(cosine(drawn[0][kind], drawn[1][kind])) for kind in KINDS}


def chance(observed: float, randoms: dict[str, Floats]) -> float:
    """P-value of a cosine: the share of random pairs that reach it, on either side, by the harder kind."""
    return max(
        float((1 + np.sum(cosines >= abs(observed))) / (1 + len(cosines))) for cosines in randoms.values()
    )
