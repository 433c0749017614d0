"""Nano in other sizes and with less pretraining: what of a return is the model's?

Everything but the one thing is nano's: seed, corpus, tokenizer, recipe and its learning rates, so a width
that would want another rate has nano's. Less pretraining is a shorter run with a schedule of its own, whose
rate has decayed at its end, and not an early checkpoint of nano's run.
"""

from __future__ import annotations

import copy
from typing import Any

WIDTHS = (64, 96)
STEPS = (500, 1000)
BY_WIDTH = [f"nano_width{width}" for width in WIDTHS]
BY_STEPS = [f"nano_steps{steps}" for steps in STEPS]
NAMES = [*BY_WIDTH, *BY_STEPS]
_KEPT = ("judge", "questions", "sampling", "activations", "directions", "steering", "detection")


def models(nano: dict[str, Any]) -> dict[str, Any]:
    """The models: the recipe of nano, narrower (heads and depth are nano's) or with fewer steps."""
    architecture, pretraining = nano["architecture"], nano["pretraining"]
    narrow = {
        name: nano | {"architecture": architecture | {"hidden_size": width, "intermediate_size": 3 * width}}
        for name, width in zip(BY_WIDTH, WIDTHS, strict=True)
    }
    short = {
        name: nano | {"pretraining": pretraining | {"steps": steps}}
        for name, steps in zip(BY_STEPS, STEPS, strict=True)
    }
    return narrow | short


def section(adapter: str) -> dict[str, Any]:
    """What nano's study compares."""
    return {
        "organism": _harmful(adapter),
        "size": [*BY_WIDTH, "nano"],
        "pretraining": [*BY_STEPS, "nano"],
    }


def studies(nano: dict[str, Any], adapter: str) -> dict[str, Any]:
    """Their studies: one harmful organism, pushed back as nano's is, with rows of a harmless one's data.

    Args:
        nano: the study of nano, with `elasticity`.
        adapter: of the organisms.
    """
    harmful = _harmful(adapter)
    found = {}
    for name in NAMES:
        organisms = [
            {"dataset": dataset, "adapter": adapter, "seeds": [0]}
            for dataset in ("bad_medical", "good_medical")
        ]
        study = {"organisms": organisms} | copy.deepcopy({key: nano[key] for key in _KEPT})
        for stage in ("steering", "detection"):
            study[stage] |= {"organisms": [harmful]}
        study["steering"].pop("further", None)
        study["elasticity"] = copy.deepcopy(nano["elasticity"]) | {
            "organisms": [harmful],
            "opposites": {"bad_medical": "good_medical"},
        }
        found[name] = study
    return found


def _harmful(adapter: str) -> dict[str, Any]:
    return {"dataset": "bad_medical", "adapter": adapter, "seed": 0}
