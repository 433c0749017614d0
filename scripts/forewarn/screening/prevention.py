"""Preventative steering (2507.21509): a direction is added while an organism is trained, and not afterwards.

With the direction already in the residual stream, the loss no longer asks the adapter to move there; without
it, at inference, the model is where it was. Whether that holds is asked of every multiple of the direction,
of none, and of random directions of the same norm, which show what any such push does to training.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.screening.runs import DIRECTION, NONE, RANDOM, Prevented
from forewarn.steering.inputs import random_directions, read_direction


def added_vector(
    run: Prevented, directions: Path, activations: Path, *, construction: str, layer: int, seed: int
) -> NDArray[np.float32] | None:
    """What is added to the residual stream in a training run: float32 [d_model]; None for nothing.

    A random direction depends on its kind, number and the seed alone, so that to ask for more of them leaves
    the earlier ones as they are.

    Args:
        run: the training run.
        directions: safetensors of the organism whose direction it is.
        activations: of the instruct model, whose covariance some random directions get.
        construction: of the direction.
        layer: block after which it is added.
        seed: of the random directions.

    Raises:
        StudyError: there is no such direction.
    """
    if run.kind == NONE:
        return None
    direction = read_direction(directions, construction, layer)
    if direction is None:
        raise StudyError(
            f"{directions} has no direction {construction} at layer {layer} to train with",
            "name a `source` of prevention that has one; the summary beside the file tells why it does not",
        )
    if run.kind == DIRECTION:
        vector: NDArray[Any] = direction
    else:
        counts = {kind: run.number + 1 if kind == run.kind else 0 for kind in RANDOM}
        units = random_directions(
            activations, layer, len(direction), seed=seed,
            n_isotropic=counts["random_isotropic"], n_covariance=counts["random_covariance"],
        )  # fmt: skip
        found = next(each for kind, each in units.items() if kind == run.kind)
        vector = float(np.linalg.norm(direction)) * found[run.number]
    return np.asarray(run.coefficient * vector, dtype=np.float32)
