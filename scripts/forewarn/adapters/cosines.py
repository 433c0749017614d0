"""Does B, which a rank-1 adapter writes, point where the mean difference does, in its block and downstream?

In arXiv 2506.11618 the cosine is 0.04 at the adapter's own layer, and 0.42 some fifteen layers on, where what
B caused has been worked on. B's sign means nothing by itself (A may be turned with it), so absolute cosines
are held against those of random vectors: isotropic ones, and ones with the covariance of the instruct model's
activations at the adapter's block. A maximum over layers is held against the same maximum of each of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.geometry.directions import cosine
from forewarn.steering.inputs import random_directions

Floats = NDArray[np.float64]

COSINES = pa.schema(
    [
        pa.field("construction", pa.string(), nullable=False),
        pa.field("adapter", pa.string(), nullable=False),
        pa.field("layer", pa.int32(), nullable=False),
        pa.field("distance", pa.int32(), nullable=False),
        pa.field("absolute_cosine", pa.float64()),
        pa.field("random_isotropic_high", pa.float64()),
        pa.field("random_covariance_high", pa.float64()),
        pa.field("split_half", pa.float64()),
    ]
)
"""One row per construction, adapter and layer from the adapter's block on (`distance` blocks behind it):
|cos|, the quantile (at the level of confidence) of random vectors' |cos| with the same direction, and the
direction's own split-half cosine, beyond which nothing can be expected to agree with it."""


def write_cosines(
    written: Mapping[tuple[int, str], NDArray[np.float32]],
    directions: Mapping[str, NDArray[np.float32]],
    layers: list[int],
    activations: Path,
    halves: Mapping[str, list[float] | None],
    *,
    random: int,
    confidence: float,
    seed: int,
) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Compare every B with every construction.

    Args:
        written: (block, module) -> B, float32 [d_model], from `forewarn.geometry.adapter_direction`.
        directions: construction -> float32 [layers, d_model].
        layers: of their rows.
        activations: of the instruct model, which give the covariance.
        halves: construction -> mean split-half cosine by layer, or None.
        random: random vectors of each kind.
        confidence: of the bands.
        seed: of the random vectors.

    Returns:
        A table of `COSINES`, and per construction and adapter a summary: `own_layer` (|cos| and both bands at
        the adapter's own block), `downstream` (the largest |cos| behind it, its layer, and the bands of
        random vectors' largest), each None where there is no such layer.

    Raises:
        StudyError: the adapter has no module that writes to the residual stream.
    """
    if not written:
        raise StudyError(
            "the adapter has no rank-1 module that writes to the residual stream",
            "name organisms with o_proj or down_proj among `target_modules`, and `rank: 1`",
        )
    rows: list[dict[str, Any]] = []
    summary = []
    for (block, module), vector in written.items():
        after = [at for at, layer in enumerate(layers) if layer >= block]
        if not after:
            continue
        randoms = random_directions(
            activations, layers[after[0]], len(vector), n_isotropic=random, n_covariance=random, seed=seed
        )
        for name, direction in directions.items():
            values = np.abs(cosine(direction[after], vector[None]))
            chance = {
                kind: np.abs(cosine(direction[after][:, None], drawn[None]))
                for kind, drawn in randoms.items()
            }
            half = halves.get(name)
            for place, at in enumerate(after):
                rows.append(
                    {
                        "construction": name,
                        "adapter": f"layer{block}.{module}",
                        "layer": layers[at],
                        "distance": layers[at] - block,
                        "absolute_cosine": _number(values[place]),
                        "split_half": half[at] if half else None,
                    }
                    | {f"{kind}_high": _high(each[place], confidence) for kind, each in chance.items()}
                )
            own, down = layers[after[0]] == block, [p for p, at in enumerate(after) if layers[at] > block]
            summary.append(
                {
                    "construction": name,
                    "adapter": f"layer{block}.{module}",
                    "own_layer": _summary(values, chance, [0], layers, after, confidence) if own else None,
                    "downstream": _summary(values, chance, down, layers, after, confidence) if down else None,
                }
            )
    return pa.Table.from_pylist(rows, schema=COSINES), summary


def _summary(
    values: Floats, chance: Mapping[Any, Floats], places: list[int], layers: list[int], after: list[int],
    confidence: float,
) -> dict[str, Any]:  # fmt: skip
    """The largest |cos| over some layers, and the quantile of random vectors' largest over the same."""
    defined = [place for place in places if not np.isnan(values[place])]
    if not defined:
        return {"absolute_cosine": None, "reason": "the direction is zero there"}
    best = max(defined, key=lambda place: float(values[place]))
    bands = {f"{kind}_high": _high(each[defined].max(axis=0), confidence) for kind, each in chance.items()}
    value = float(values[best])
    beyond = all(band is not None and value > band for band in bands.values())
    return {"absolute_cosine": value, "layer": layers[after[best]], **bands, "beyond_both": beyond}


def _high(values: Floats, confidence: float) -> float | None:
    defined = values[~np.isnan(values)]
    return float(np.quantile(defined, confidence)) if len(defined) else None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
