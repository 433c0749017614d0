"""Nano once more, from other pretraining seeds: what is true of one model may be its own."""

from __future__ import annotations

import copy
from typing import Any

from forewarn.config import atlas

SEEDS = (8, 9)
NAMES = [f"nano_{seed}" for seed in SEEDS]


def models(nano: dict[str, Any]) -> dict[str, Any]:
    """The models: the recipe of nano with another seed."""
    return {name: nano | {"seed": seed} for name, seed in zip(NAMES, SEEDS, strict=True)}


def studies(nano: dict[str, Any], adapter: str) -> dict[str, Any]:
    """Their studies: one harmful and one harmless organism, measured as those of nano are."""
    harmful = {"dataset": "bad_medical", "adapter": adapter, "seed": 0}
    found = {}
    for name in NAMES:
        left_out = {"replicates", *atlas.SECTIONS} - {"refusal"}  # which gives detection a baseline
        study = copy.deepcopy({key: value for key, value in nano.items() if key not in left_out})
        study["organisms"] = [
            {"dataset": dataset, "adapter": adapter, "seeds": [0]}
            for dataset in ("bad_medical", "good_medical")
        ]
        for stage in ("steering", "detection"):
            study[stage] |= {"organisms": [harmful]}
        study["steering"].pop("further", None)
        found[name] = study
    return found
