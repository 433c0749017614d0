"""Candidates for the refusal direction: what differs between harmful and harmless requests (2406.11717).

One candidate for each position behind the instruction and each block: the difference of the two means of
resid_post. Only requests that the model answers as it should count, harmful ones that it refuses and harmless
ones that it does not. (The paper reads resid_pre: its layer l is our l - 1.)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.geometry.activations import Key, layers_of, read_activations
from forewarn.statistics.tables import read_columns, strings

Floats = NDArray[np.float64]
HARMFUL, HARMLESS = "harmful", "harmless"
PROMPT_SAMPLE = -1

REQUESTS = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("condition", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("refusal_score", pa.float64(), nullable=False),
        pa.field("kept", pa.bool_(), nullable=False),
    ]
)
"""One row per request. `refusal_score`: log odds that the untouched model begins to refuse; `kept`: whether
they are above 0 for a harmful request, below 0 for a harmless one."""
CANDIDATES = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("number", pa.int32(), nullable=False),
        pa.field("position", pa.int32(), nullable=False),
        pa.field("layer", pa.int32(), nullable=False),
        pa.field("norm", pa.float64(), nullable=False),
        *(
            pa.field(f"{score}{end}", pa.float64())
            for score in ("ablated", "induced", "kl")
            for end in ("", "_low", "_high")
        ),
        pa.field("n_harmful", pa.int32(), nullable=False),
        pa.field("n_harmless", pa.int32(), nullable=False),
    ]
)
"""One row per candidate, and per random direction that was scored like one. `kind`: "difference",
"random_isotropic" or "random_covariance", with the `number` of the draw; `position`: -1 for the last prompt
token; `norm`: in units of the residual stream. Means over validation requests, with bootstrap intervals over
them: `ablated` (refusal score on harmful requests, direction ablated everywhere), `induced` (the same on
harmless ones, direction added after its own block), `kl` (nats, on harmless ones, under ablation)."""


def position_name(position: int) -> str:
    """What the position -1, -2, ... is called in an activation table."""
    return f"post_instruction_{position}"


def read_kept(path: Path, split: str = "fit") -> dict[str, list[str]]:
    """Ids of the requests of a split that count, by condition."""
    table = read_columns(path, REQUESTS)
    chosen = np.logical_and(strings(table, "split") == split, table.column("kept").to_numpy())
    conditions, names = strings(table, "condition"), strings(table, "question_id")
    return {
        condition: list(names[np.logical_and(chosen, conditions == condition)])
        for condition in (HARMFUL, HARMLESS)
    }


def read_requests(path: Path, kept: dict[str, list[str]], layer: int, positions: int) -> dict[str, Floats]:
    """Activations of the requests that count at one layer, by condition: float64 [requests, positions, d].

    Args:
        path: activation parquet.
        kept: from `read_kept`.
        layer: block.
        positions: how many; the last is the last prompt token.

    Raises:
        StudyError: the table cannot be used, or lacks a request.
    """
    found: dict[str, list[NDArray[Any]]] = {condition: [] for condition in kept}
    for position in range(-positions, 0):
        table = read_activations(path, position_name(position), [layer])
        for condition, names in kept.items():
            keys: list[Key] = [(name, PROMPT_SAMPLE) for name in names]
            found[condition].append(table.at(keys)[:, 0].astype(np.float64))
    return {condition: np.stack(rows, axis=1) for condition, rows in found.items()}


def difference(rows: dict[str, Floats], chosen: dict[str, NDArray[Any]] | None = None) -> Floats:
    """Mean over harmful requests minus mean over harmless ones: float64 [positions, d].

    Args:
        rows: from `read_requests`.
        chosen: indices or a mask of the requests of each condition; all for None.
    """
    parts = rows if chosen is None else {name: rows[name][chosen[name]] for name in rows}
    means: Floats = parts[HARMFUL].mean(axis=0) - parts[HARMLESS].mean(axis=0)
    return means


def differences(path: Path, kept: dict[str, list[str]], positions: int) -> tuple[Floats, list[int]]:
    """All candidates: float64 [positions, layers, d], and the layers."""
    layers = list(layers_of(path))
    found = [difference(read_requests(path, kept, layer, positions)) for layer in layers]
    return np.stack(found, axis=1), layers


def enough(kept: dict[str, list[str]], minimum: int) -> bool:
    """Whether there are enough requests of both conditions."""
    return min(len(names) for names in kept.values()) >= minimum
