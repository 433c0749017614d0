"""The arms of a steering experiment: the same questions under one intervention each, or under none.

Two experiments are known. `add` steers the instruct model: coefficient times the direction joins the
residual stream after one block, at every position (arXiv 2506.11618). `ablate` acts on the organism: the
direction's component is taken out of the residual stream, at the embedding and after every block, at every
position; and, beside it, coefficient times the direction is subtracted after its own block.

An effect means little by itself: any push of that size may have one. So whatever is done with the
direction is also done with random directions of the same norm, of two kinds: isotropic, and drawn with the
covariance of the model's own activations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Operation = Literal["none", "add", "ablate", "subtract"]
Kind = Literal["baseline", "direction", "random_isotropic", "random_covariance"]
RandomDirections = Mapping[Kind, NDArray[np.float64]]
"""Unit vectors [count, d_model] for each of the kinds `random_isotropic` and `random_covariance`."""


@dataclass(frozen=True, eq=False)
class Arm:
    """One intervention.

    Attributes:
        name: unique within its experiment.
        operation: what is done to the residual stream.
        kind: with which vector it is done.
        coefficient: multiple of the vector that is added or subtracted; None where nothing is.
        layer: block after which it is added or subtracted; None for an ablation, which is everywhere.
        vector: float32 [d_model]; of norm 1 for an ablation, None for the baseline.
    """

    name: str
    operation: Operation
    kind: Kind
    coefficient: float | None = None
    layer: int | None = None
    vector: NDArray[np.float32] | None = None


BASELINE = Arm("baseline", "none", "baseline")


def addition_arms(
    direction: NDArray[Any], layer: int, coefficients: Sequence[float], randoms: RandomDirections
) -> list[Arm]:
    """Baseline; then per coefficient the direction and the random directions, stretched to its norm.

    Args:
        direction: float [d_model].
        layer: block after which vectors are added.
        coefficients: multiples of the direction.
        randoms: unit vectors to compare with.
    """
    norm = float(np.linalg.norm(direction))
    arms = [BASELINE]
    for coefficient in coefficients:
        arms += [
            Arm(f"add_{coefficient:g}x_{name}", "add", kind, coefficient, layer, _float32(vector))
            for name, kind, vector in _vectors(direction, randoms, norm)
        ]
    return arms


def ablation_arms(
    direction: NDArray[Any], layer: int, coefficients: Sequence[float], randoms: RandomDirections
) -> list[Arm]:
    """Baseline; ablation of the direction and of each random one; subtraction of the direction.

    Args:
        direction: float [d_model], not zero.
        layer: block after which the direction is subtracted.
        coefficients: multiples of the direction that are subtracted.
        randoms: unit vectors to compare the ablation with.
    """
    unit = direction / np.linalg.norm(direction)
    ablated = [
        Arm(f"ablate_{name}", "ablate", kind, vector=_float32(vector))
        for name, kind, vector in _vectors(unit, randoms, 1.0)
    ]
    subtracted = [
        Arm(
            f"subtract_{coefficient:g}x_direction",
            "subtract",
            "direction",
            coefficient,
            layer,
            _float32(direction),
        )
        for coefficient in coefficients
    ]
    return [BASELINE, *ablated, *subtracted]


def _vectors(
    direction: NDArray[Any], randoms: RandomDirections, norm: float
) -> list[tuple[str, Kind, NDArray[Any]]]:
    vectors: list[tuple[str, Kind, NDArray[Any]]] = [("direction", "direction", direction)]
    for kind, units in randoms.items():
        vectors += [(f"{kind}_{number:02d}", kind, norm * unit) for number, unit in enumerate(units)]
    return vectors


def _float32(vector: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(vector, dtype=np.float32)
