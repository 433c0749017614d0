"""The saved matrices of a fine-tuning run, module by module, without torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from forewarn.errors import StudyError

Floats = NDArray[np.float64]
_KEY = re.compile(r"step(\d+)\.(.+)\.lora_([AB])")
_BLOCK = re.compile(r"layers\.(\d+)\.")
LEAST = 3
"""Snapshots that a path needs to have a point with one before and one behind it."""


@dataclass(frozen=True)
class Trajectory:
    """Where the matrices of a run lie, and which there are.

    Attributes:
        path: `trajectory.safetensors` of an organism.
        steps: optimiser steps after which they were saved, ascending; 0 is before the first.
        modules: names of the adapted linear maps, sorted.
    """

    path: Path
    steps: tuple[int, ...]
    modules: tuple[str, ...]

    @property
    def every(self) -> int:
        """Steps between snapshots; the last one may be nearer to the one before it."""
        return self.steps[1] - self.steps[0]

    @property
    def even(self) -> int:
        """How many of the snapshots, from the first on, are equally far apart."""
        return len(self.steps) - (self.steps[-1] % self.every != 0)

    def matrices(self, module: str, which: str) -> Floats:
        """A [steps, rank, in] or B [steps, out, rank] of one module at all steps, in float64."""
        with safe_open(self.path, framework="np") as file:
            found = [file.get_tensor(f"step{step:06d}.{module}.lora_{which}") for step in self.steps]
        return np.stack(found).astype(np.float64)


def open_trajectory(path: Path) -> Trajectory:
    """Find out what a trajectory file holds.

    Raises:
        StudyError: it cannot be read, does not hold A and B of the same modules at all steps, its steps are
            not evenly spaced (the last aside), or there are fewer than three.
    """
    again = "delete the organism and run again, so that it is trained anew"
    try:
        with safe_open(path, framework="np") as file:
            keys = list(file.keys())
    except (OSError, SafetensorError) as error:
        raise StudyError(f"{path} cannot be read as a trajectory: {error}", again) from error
    matches = [match for key in keys if (match := _KEY.fullmatch(key))]
    steps = sorted({int(match[1]) for match in matches})
    modules = sorted({match[2] for match in matches})
    if not keys or len(matches) < len(keys) or len(keys) != 2 * len(steps) * len(modules):
        raise StudyError(f"{path} does not hold lora_A and lora_B of the same modules at all steps", again)
    gaps = set(np.diff(steps[:-1]).tolist())
    if len(steps) < LEAST or len(gaps) > 1 or steps[0] != 0:
        raise StudyError(
            f"{path} holds the steps {', '.join(map(str, steps[:5]))}, ...: no path from 0 on in equal steps",
            "lower `trajectory_every` of the adapter, so that at least three snapshots are saved",
        )
    return Trajectory(Path(path), tuple(steps), tuple(modules))


def block_of(module: str) -> int | None:
    """The transformer block that a module belongs to, e.g. 1 of `model.layers.1.mlp.down_proj`."""
    match = _BLOCK.search(module)
    return int(match[1]) if match else None
