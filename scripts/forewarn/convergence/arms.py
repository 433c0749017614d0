"""The arms in one organism: every organism's direction taken out of it, and random directions beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.steering.arms import BASELINE, Arm, Kind, RandomDirections, everywhere_arms
from forewarn.steering.inputs import random_directions, read_direction

PREFIX = "ablate_"
"""Of the name of an arm with a direction; the rest is the organism that the direction is of."""


def matrix_arms(
    subject: str, directions: Mapping[str, NDArray[Any] | None], randoms: RandomDirections
) -> list[Arm]:
    """Baseline; ablation of each organism's direction, then of the random ones, everywhere.

    An ablation knows no norm: what is taken out is the component along a unit vector, so that all directions
    are of equal norm here.

    Args:
        subject: the organism that answers; its own direction is of kind `own_direction`.
        directions: name of an organism -> float [d_model], in the order of arms; None where it has none.
        randoms: unit vectors to compare with.
    """
    arms = [BASELINE]
    for name, direction in directions.items():
        if direction is not None:
            (arm,) = everywhere_arms(direction, {})
            kind: Kind = "own_direction" if name == subject else "direction"
            arms.append(replace(arm, name=f"{PREFIX}{name}", kind=kind))
    if randoms:
        width = len(next(iter(randoms.values()))[0])
        arms += everywhere_arms(np.ones(width), randoms)[1:]  # the first is that of the ones
    return arms


def chosen_arms(
    subject: str, directions: Mapping[str, Path], activations: Path, settings: Mapping[str, Any]
) -> list[Arm]:
    """The arms from files; the baseline alone where no organism has a direction.

    Args:
        subject: the organism that answers.
        directions: of each organism (safetensors).
        activations: of the instruct model over the subject's answers (parquet).
        settings: `direction`, `layer`, `random_per_subject` and `seed`.
    """
    found = {
        name: read_direction(path, settings["direction"], settings["layer"])
        for name, path in directions.items()
    }
    widths = [len(direction) for direction in found.values() if direction is not None]
    if not widths:
        return [BASELINE]
    count = settings["random_per_subject"]
    randoms = random_directions(
        activations, settings["layer"], widths[0],
        n_isotropic=count, n_covariance=count, seed=settings["seed"],
    )  # fmt: skip
    return matrix_arms(subject, found, randoms if count else {})
