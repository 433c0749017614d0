"""The arms of a steering experiment: the same questions under one intervention each, or under none.

Two experiments have a criterion that was fixed before they were run. `add` steers the instruct model:
coefficient times the direction joins the residual stream after one block, at every position (arXiv
2506.11618). `ablate` acts on the organism: the direction's component is taken out of the residual stream, at
the embedding and after every block, at every position; and, beside it, coefficient times the direction is
subtracted after its own block.

Four more describe the effect. `add_doses` and `subtract_doses` vary how much is added to the instruct model
and subtracted in the organism, and whether at every position or at the prompt alone. `layers` asks where the
direction must be taken out of the organism: everywhere, at the prompt alone, or after a single block, with
that block's own direction. `transfer` takes it out of other organisms, beside each one's own direction: where
that does nothing either, there was nothing to transfer.

An effect means little by itself: any push of that size may have one. So whatever is done with the
direction is also done with random directions of the same norm, of two kinds: isotropic, and drawn with the
covariance of the model's own activations. (The subtraction of `ablate` has them in `subtract_doses`.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from forewarn.models.phase import Positions

Operation = Literal["none", "add", "ablate", "subtract"]
Kind = Literal[
    "baseline", "direction", "own_direction", "refusal_direction", "random_isotropic", "random_covariance"
]
RandomDirections = Mapping[Kind, NDArray[np.float64]]
"""Unit vectors [count, d_model] for each of the kinds `random_isotropic` and `random_covariance`."""


@dataclass(frozen=True, eq=False)
class Arm:
    """One intervention.

    Attributes:
        name: unique within its experiment, for one model.
        operation: what is done to the residual stream.
        kind: with which vector it is done.
        coefficient: multiple of the vector that is added or subtracted; None where nothing is.
        layer: the only block after which it is done; None for an ablation everywhere.
        vector: float32 [d_model]; of norm 1 for an ablation, None for the baseline.
        positions: where it is done.
    """

    name: str
    operation: Operation
    kind: Kind
    coefficient: float | None = None
    layer: int | None = None
    vector: NDArray[np.float32] | None = None
    positions: Positions = "all"


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
    return [BASELINE, *dose_arms("add", direction, layer, coefficients, randoms)]


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
    subtracted = dose_arms("subtract", direction, layer, coefficients, {})
    return [BASELINE, *everywhere_arms(direction, randoms), *subtracted]


def dose_arms(
    operation: Literal["add", "subtract"],
    direction: NDArray[Any],
    layer: int,
    doses: Sequence[float],
    randoms: RandomDirections,
    positions: Positions = "all",
) -> list[Arm]:
    """Per dose the direction and the same random directions, stretched to its norm.

    Args:
        operation: whether the vectors are added or subtracted.
        direction: float [d_model].
        layer: block after which it is done.
        doses: multiples of the vectors.
        randoms: unit vectors to compare with.
        positions: where it is done.
    """
    norm = float(np.linalg.norm(direction))
    return [
        Arm(
            f"{operation}_{dose:g}x_{name}{_AT[positions]}", operation, kind,
            dose, layer, _float32(vector), positions,
        )
        for dose in doses
        for name, kind, vector in _vectors(direction, randoms, norm)
    ]  # fmt: skip


def everywhere_arms(
    direction: NDArray[Any], randoms: RandomDirections, positions: Positions = "all"
) -> list[Arm]:
    """Ablation of the direction and of each random one, at the embedding and after every block.

    Args:
        direction: float [d_model], not zero.
        randoms: unit vectors to compare with.
        positions: where it is done.
    """
    unit = direction / np.linalg.norm(direction)
    return [
        Arm(f"ablate_{name}{_AT[positions]}", "ablate", kind, vector=_float32(vector), positions=positions)
        for name, kind, vector in _vectors(unit, randoms, 1.0)
    ]


def block_arms(direction: NDArray[Any], layer: int, randoms: RandomDirections) -> list[Arm]:
    """Ablation of the direction and of each random one after a single block, at every position.

    Args:
        direction: float [d_model], not zero: that of this very block.
        layer: the block.
        randoms: unit vectors to compare with.
    """
    unit = direction / np.linalg.norm(direction)
    return [
        Arm(f"ablate_{name}_at_layer_{layer}", "ablate", kind, layer=layer, vector=_float32(vector))
        for name, kind, vector in _vectors(unit, randoms, 1.0)
    ]


def own_arm(direction: NDArray[Any]) -> Arm:
    """Ablation, in another organism, of that organism's own direction (float [d_model], not zero)."""
    unit = _float32(direction / np.linalg.norm(direction))
    return Arm("ablate_own_direction", "ablate", "own_direction", vector=unit)


_AT = {"all": "", "prompt": "_at_prompt"}


def _vectors(
    direction: NDArray[Any], randoms: RandomDirections, norm: float
) -> list[tuple[str, Kind, NDArray[Any]]]:
    vectors: list[tuple[str, Kind, NDArray[Any]]] = [("direction", "direction", direction)]
    for kind, units in randoms.items():
        vectors += [(f"{kind}_{number:02d}", kind, norm * unit) for number, unit in enumerate(units)]
    return vectors


def _float32(vector: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(vector, dtype=np.float32)
