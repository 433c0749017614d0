"""Do organisms share a direction? Cosines between them, per layer and construction."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa

from forewarn.errors import StudyError
from forewarn.geometry.constructions import NAMES
from forewarn.geometry.directions import cosine
from forewarn.geometry.tensors import read_tensors
from forewarn.statistics.intervals import quantile

COSINES = pa.schema(
    [
        pa.field("construction", pa.string(), nullable=False),
        pa.field("layer", pa.int32(), nullable=False),
        pa.field("organism", pa.string(), nullable=False),
        pa.field("other", pa.string(), nullable=False),
        pa.field("cosine", pa.float64()),
        pa.field("random_low", pa.float64(), nullable=False),
        pa.field("random_high", pa.float64(), nullable=False),
    ]
)


def compare(directions: list[Path], *, confidence: float = 0.95) -> pa.Table:
    """Cosine of the same construction between every two organisms, at every layer they share.

    Args:
        directions: one file per organism; its name without ending is the organism's.
        confidence: of the band in which the cosine of two random directions lies, +-1.96 / sqrt(d) at 0.95.

    Returns:
        A table of the schema `COSINES`; a construction that one of the two lacks has no row.

    Raises:
        StudyError: a file cannot be read, or two organisms have activations of different widths.
    """
    held = {path.stem: read_tensors(path) for path in directions}
    rows = []
    for (name, (vectors, layers)), (other, (others, other_layers)) in combinations(held.items(), 2):
        for construction in NAMES:
            if construction not in vectors or construction not in others:
                continue
            a, b = vectors[construction], others[construction]
            if a.shape[1] != b.shape[1]:
                raise StudyError(
                    f"{name} has directions of width {a.shape[1]} and {other} of {b.shape[1]}",
                    "compare organisms of one model only",
                )
            shared = [layer for layer in layers if layer in other_layers]
            cosines = cosine(
                a[[layers.index(layer) for layer in shared]],
                b[[other_layers.index(layer) for layer in shared]],
            )
            band = quantile(confidence) / a.shape[1] ** 0.5
            rows += [
                {
                    "construction": construction,
                    "layer": layer,
                    "organism": name,
                    "other": other,
                    "cosine": None if np.isnan(value) else float(value),
                    "random_low": -band,
                    "random_high": band,
                }
                for layer, value in zip(shared, cosines, strict=True)
            ]
    return pa.Table.from_pylist(rows, schema=COSINES)
