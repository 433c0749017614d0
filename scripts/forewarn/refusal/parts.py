"""What is compared: the refusal candidates of a layer, an organism's directions, each with its resamples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forewarn.geometry.directions import cosine
from forewarn.refusal.candidates import Floats, difference
from forewarn.refusal.resampling import fold_of, halves, without_each

KINDS = ("isotropic", "covariance")
"""Of random directions."""


@dataclass(frozen=True)
class Comparing:
    """How to compare.

    Attributes:
        folds: groups of prompts that are left out in turn.
        halvings: of the requests.
        rank: dimensions of each subspace at most.
        randoms: random directions, and random subspaces, of each kind.
        confidence: of intervals and bands.
        seed: of all draws.
    """

    folds: int
    halvings: int
    rank: int
    randoms: int
    confidence: float
    seed: int


@dataclass(frozen=True)
class Misalignment:
    """What is known of an organism's directions.

    Attributes:
        layers: of the rows below.
        directions: by construction, float64 [layers, d_model].
        without: the same without each group of questions, float64 [groups, layers, d_model]; NaN where the
            rest did not suffice.
        split_half: by construction and layer, mean cosine of halves; None where undefined.
    """

    layers: list[int]
    directions: dict[str, Floats]
    without: dict[str, Floats]
    split_half: dict[str, list[float | None] | None]


@dataclass(frozen=True)
class Refusal:
    """What is known of the refusal direction.

    Attributes:
        activations: of the fit requests, behind the instruction (parquet).
        kept: ids of those that count, by condition.
        positions: tokens behind the instruction.
        position: of the carried candidate, -1 for the last prompt token.
        layer: its block.
    """

    activations: Path
    kept: dict[str, list[str]]
    positions: int
    position: int
    layer: int


@dataclass(frozen=True)
class Side:
    """The refusal candidates of one layer.

    Attributes:
        vectors: float64 [positions, d].
        without: without each group of requests, float64 [groups, positions, d].
        split_half: mean cosine of halves at the carried position; None where undefined.
    """

    vectors: Floats
    without: Floats
    split_half: float | None

    @classmethod
    def of(cls, rows: dict[str, Floats], refusal: Refusal, how: Comparing) -> Side:
        """From activations of the requests that count, see `forewarn.refusal.candidates.read_requests`."""
        folds = {name: fold_of(names, how.folds, how.seed) for name, names in refusal.kept.items()}
        first, second = halves(rows, how.halvings, how.seed)
        agreed = cosine(first[:, refusal.position], second[:, refusal.position])
        half = None if np.isnan(agreed).all() else float(np.nanmean(agreed))
        return cls(difference(rows), without_each(rows, folds, how.folds), half)


def p_value(observed: float, null: Floats) -> float:
    """(1 + how many random values reach the observed one) / (1 + how many there are)."""
    return float((1 + np.sum(null >= observed)) / (1 + len(null)))
