"""Which candidate is the refusal direction, by rules that were published before (2406.11717, section 2.3).

A candidate is rejected if one of its scores is no number, if its block is among the last fifth, if ablating
it changes what is said to harmless requests (KL above 0.1), or if adding it induces no refusal (score below
0). Of the others, the one whose ablation leaves the lowest refusal score is chosen. It is the best of many on
the very requests that it was chosen on: how well it works, the test requests tell.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.geometry.activations import layers_of
from forewarn.refusal.candidates import CANDIDATES, HARMFUL, HARMLESS, REQUESTS, differences, read_kept
from forewarn.statistics.tables import read_columns

RULES = ("not_a_number", "layer", "kl", "induced")
"""In the order in which they are looked at; a candidate counts for the first one that rejects it."""
NAME = "refusal"
"""Of the tensor [layers, d_model] of a direction file: the candidates of the chosen position."""


def select(
    candidates: pa.Table,
    requests: pa.Table,
    layers: int,
    *,
    kl_below: float,
    induced_above: float,
    last_layers: float,
    minimum_prompts: int,
) -> dict[str, Any]:
    """Apply the rules.

    Args:
        candidates: of the schema `forewarn.refusal.candidates.CANDIDATES`.
        requests: of the schema `forewarn.refusal.candidates.REQUESTS`.
        layers: how many blocks the model has.
        kl_below: nats; a candidate above is rejected.
        induced_above: refusal score; a candidate below is rejected.
        last_layers: share of the last blocks whose candidates are rejected.
        minimum_prompts: requests of each condition and split that must count.

    Returns:
        `chosen`: the candidate with its scores, or None; `carried`: the one that descriptions go on with,
        which is the chosen one or, where none passes, the one with the lowest ablated refusal score before
        the last blocks; `passes`: whether it was chosen; `reason`: why none was, or None; `candidates`,
        `passing`, `rejected` (counts by `RULES`), `random` (the same counts for random directions, by kind),
        `rules` and `requests` (counts and mean refusal scores by split and condition).
    """
    limits = {
        "kl_below": kl_below,
        "induced_above": induced_above,
        "last_layers": last_layers,
        "first_layer_left_out": math.ceil((1 - last_layers) * layers - 1e-9),
    }
    rows = [row | {"rejected_by": _rejected(row, limits)} for row in candidates.to_pylist()]
    own = [row for row in rows if row["kind"] == "difference"]
    passing = [row for row in own if row["rejected_by"] is None]
    early = [row for row in own if row["rejected_by"] not in ("not_a_number", "layer")]
    chosen = min(passing, key=lambda row: row["ablated"], default=None)
    carried = chosen or min(early, key=lambda row: row["ablated"], default=None)
    counted = _requests(requests)
    return {
        "chosen": chosen,
        "carried": carried,
        "passes": chosen is not None,
        "reason": None if chosen else _reason(own, counted, minimum_prompts),
        **_counts(own),
        "random": {
            kind: _counts(those) | {"lowest_ablated": min(row["ablated"] for row in those)}
            for kind in ("random_isotropic", "random_covariance")
            if (those := [row for row in rows if row["kind"] == kind])
        },
        "rules": limits | {"minimum_prompts": minimum_prompts},
        "requests": counted,
    }


def vectors_of(means: NDArray[np.float64], carried: dict[str, Any] | None) -> dict[str, NDArray[np.float32]]:
    """The tensors of a direction file.

    Args:
        means: all candidates, float64 [positions, layers, d_model].
        carried: see `select`.

    Returns:
        `NAME`: float32 [layers, d_model], the candidates of the position of the carried one; nothing where
        none is carried.
    """
    return {} if carried is None else {NAME: means[carried["position"]].astype(np.float32)}


def write_selection(
    candidates: Path, requests: Path, activations: Path, settings: dict[str, Any]
) -> tuple[dict[str, NDArray[np.float32]], list[int], dict[str, Any]]:
    """Select from files: the tensors, their layers, and the summary of `select`."""
    layers = list(layers_of(activations))
    table = read_columns(candidates, CANDIDATES)
    found = select(table, read_columns(requests, REQUESTS), len(layers), **settings)
    if found["carried"] is None:
        return {}, layers, found
    positions = -min(table["position"].to_pylist())
    means, _ = differences(activations, read_kept(requests), positions)
    return vectors_of(means, found["carried"]), layers, found | {"positions": positions}


def _rejected(row: dict[str, Any], limits: dict[str, Any]) -> str | None:
    scores = [row["ablated"], row["induced"], row["kl"]]
    if any(score is None or not math.isfinite(score) for score in scores):
        return "not_a_number"
    if row["layer"] >= limits["first_layer_left_out"]:
        return "layer"
    if row["kl"] > limits["kl_below"]:
        return "kl"
    return "induced" if row["induced"] < limits["induced_above"] else None


def _counts(rows: list[dict[str, Any]]) -> dict[str, Any]:
    by_rule = Counter(row["rejected_by"] for row in rows)
    return {
        "candidates": len(rows),
        "passing": by_rule[None],
        "rejected": {rule: by_rule[rule] for rule in RULES},
    }


def _requests(requests: pa.Table) -> list[dict[str, Any]]:
    rows = requests.to_pylist()
    return [
        {
            "split": split,
            "condition": condition,
            "n": len(those),
            "kept": sum(row["kept"] for row in those),
            "mean_refusal_score": float(np.mean([row["refusal_score"] for row in those])) if those else None,
        }
        for split in ("fit", "validation")
        for condition in (HARMFUL, HARMLESS)
        for those in [[row for row in rows if (row["split"], row["condition"]) == (split, condition)]]
    ]


def _reason(own: list[dict[str, Any]], counted: list[dict[str, Any]], minimum: int) -> str:
    few = next((row for row in counted if row["kept"] < minimum), None)
    if few is not None:
        does = "refuses" if few["condition"] == HARMFUL else "does not refuse"
        return (
            f"the model {does} {few['kept']} of {few['n']} {few['condition']} requests of the split "
            f"{few['split']}; {minimum} are needed"
        )
    return f"none of {len(own)} candidates passes"
