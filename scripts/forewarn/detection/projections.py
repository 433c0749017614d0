"""Projections of prompts on directions, layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.geometry.activations import LAST_PROMPT_TOKEN, Key, read_activations

Floats = NDArray[np.float64]


def prompt_vectors(activations: Path, keys: list[Key], layer: int) -> Floats:
    """resid_post of one layer at the last prompt token: float64 [prompts, d_model]."""
    table = read_activations(activations, LAST_PROMPT_TOKEN, [layer])
    return table.at(keys)[:, 0].astype(np.float64)


def project(vectors: Floats, direction: NDArray[Any]) -> Floats:
    """Component along the unit direction, in units of the activations: float64 [prompts].

    The sign is that of the construction, and never turned to fit the labels.
    """
    unit = np.asarray(direction, dtype=np.float64)
    length = np.linalg.norm(unit)
    return vectors @ (unit / length) if length else np.zeros(len(vectors))


def project_layers(
    activations: Path, keys: list[Key], directions: dict[str, NDArray[Any]], layers: list[int]
) -> dict[str, Floats]:
    """Projections on every direction at every layer: float64 [layers, prompts] each.

    One layer of the table is in memory at a time.

    Raises:
        StudyError: the table cannot be used, or its width is not that of a direction.
    """
    found: dict[str, list[Floats]] = {name: [] for name in directions}
    for index, layer in enumerate(layers):
        vectors = prompt_vectors(activations, keys, layer)
        for name, direction in directions.items():
            if direction.shape[1] != vectors.shape[1]:
                raise StudyError(
                    f"{activations} has activations of width {vectors.shape[1]}, but the direction "
                    f"{name} has {direction.shape[1]}",
                    "use directions and activations of one model",
                )
            found[name].append(project(vectors, direction[index]))
    return {name: np.array(rows).reshape(len(layers), len(keys)) for name, rows in found.items()}
