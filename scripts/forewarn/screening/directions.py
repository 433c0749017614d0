"""The directions that a dataset is screened by: without it, and its own.

What is held against a dataset before training must not know of training on it. So its directions come from
organisms of other datasets; its own stands apart, as what hindsight would give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forewarn.steering.inputs import read_direction

OTHERS, OWN = "others", "own"
"""Readings: by directions of organisms trained on other datasets, or on this one."""


@dataclass(frozen=True)
class Source:
    """An organism whose direction may be used.

    Attributes:
        organism: its name.
        dataset: what it was trained on.
        directions: safetensors.
    """

    organism: str
    dataset: str
    directions: Path


@dataclass(frozen=True, eq=False)
class Reading:
    """A direction to screen by, or why there is none.

    Attributes:
        vector: float64 [d_model], norm 1; None if there is none.
        organisms: those whose directions it is made of.
        reason: None if there is a vector.
    """

    vector: NDArray[np.float64] | None
    organisms: tuple[str, ...]
    reason: str | None = None


def readings(sources: Sequence[Source], dataset: str, construction: str, layer: int) -> dict[str, Reading]:
    """The directions `others` and `own` of a dataset.

    Each organism's direction is scaled to norm 1; they are averaged within a dataset and then over datasets,
    so that no dataset counts more for having more seeds, and the mean is scaled to norm 1.

    Args:
        sources: organisms of misaligned data.
        dataset: the one that is screened.
        construction: of the directions.
        layer: block.
    """
    units: dict[str, dict[str, NDArray[np.float64]]] = {}
    for source in sources:
        vector = read_direction(source.directions, construction, layer)
        if vector is not None:
            unit = vector.astype(np.float64) / np.linalg.norm(vector.astype(np.float64))
            units.setdefault(source.dataset, {})[source.organism] = unit
    others = {name: each for name, each in units.items() if name != dataset}
    return {
        OTHERS: _mean(others, f"no organism of another dataset has a direction {construction}"),
        OWN: _mean(
            {name: each for name, each in units.items() if name == dataset},
            f"no organism of misaligned data trained on {dataset} has a direction {construction}",
        ),
    }


def _mean(units: Mapping[str, Mapping[str, NDArray[np.float64]]], reason: str) -> Reading:
    if not units:
        return Reading(None, (), reason)
    total = np.mean([np.mean(list(each.values()), axis=0) for each in units.values()], axis=0)
    organisms = tuple(organism for each in units.values() for organism in each)
    norm = float(np.linalg.norm(total))
    if norm < 1e-9:
        return Reading(None, organisms, "the directions cancel each other")
    return Reading(total / norm, organisms)
