"""Whose residual stream is read at the last prompt token, one layer in memory at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.geometry.activations import LAST_PROMPT_TOKEN, Key, layers_of, read_activations

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reader:
    """One model's activations at the last prompt token of a set of prompts.

    Attributes:
        name: "organism", "instruct" or "benign".
        path: activation table.
        keys: of the prompts' rows, in the order of the prompts.
    """

    name: str
    path: Path
    keys: list[Key]

    def vectors(self, layer: int) -> Floats:
        """resid_post of one layer: float64 [prompts, d_model].

        Raises:
            StudyError: the table cannot be used, or lacks the layer or a prompt.
        """
        table = read_activations(self.path, LAST_PROMPT_TOKEN, [layer])
        return table.at(self.keys)[:, 0].astype(np.float64)


@dataclass(frozen=True)
class Linear:
    """A detector that is linear in the residual stream, with weights of its own at each layer.

    Attributes:
        name: as in the artifacts.
        weights: float64 [layers, d_model]; only their direction counts. NaN where a layer has none.
        scaled: whether the projection is divided by the norm of the residual stream, so that it is a cosine.
    """

    name: str
    weights: Floats
    scaled: bool = False

    def read(self, vectors: Floats, index: int) -> Floats:
        """Component of each vector along the weights of the layer number `index`: float64 [prompts].

        The sign is that of the construction, and never turned to fit the labels. Where the layer has no
        weights, everything reads 0.
        """
        found = project(vectors, self.weights[index])
        if not self.scaled:
            return found
        lengths = np.linalg.norm(vectors, axis=1)
        cosines: Floats = np.divide(found, lengths, out=np.zeros(len(found)), where=lengths > 0)
        return cosines


def project(vectors: Floats, direction: NDArray[Any]) -> Floats:
    """Component along the unit direction, in units of the activations: float64 [prompts]; 0 without one."""
    unit = np.asarray(direction, dtype=np.float64)
    length = np.linalg.norm(unit)
    return vectors @ (unit / length) if np.isfinite(length) and length else np.zeros(len(vectors))


def linear_detectors(directions: dict[str, NDArray[Any]], reader: Reader) -> list[Linear]:
    """Each direction's projection, and its cosine with the residual stream.

    Args:
        directions: float [layers, d_model] by name.
        reader: whose activations they must fit.

    Raises:
        StudyError: a direction is of another width than the activations.
    """
    if not directions:
        return []
    width = reader.vectors(layers_of(reader.path)[0]).shape[1]
    for name, direction in directions.items():
        if direction.shape[1] != width:
            raise StudyError(
                f"{reader.path} has activations of width {width}, but the direction {name} has "
                f"{direction.shape[1]}",
                "use directions and activations of one model",
            )
    weights = {name: np.asarray(direction, dtype=np.float64) for name, direction in directions.items()}
    return [Linear(name, values) for name, values in weights.items()] + [
        Linear(f"{name}.cosine", values, scaled=True) for name, values in weights.items()
    ]
