"""The same study on models of other pretraining seeds: does the finding hold, or was it one model's?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from forewarn.errors import StudyError
from forewarn.files import read_json

_KEPT = (
    "detector", "auroc", "interval", "layer", "null", "family_wise", "ceiling", "best_baseline", "n_prompts",
    "n_responses", "n_misaligned",
)  # fmt: skip


def replicates(studies: dict[str, Path]) -> dict[str, Any]:
    """Set the primary result of every study side by side, and say where else the information is.

    Args:
        studies: detection_auc.json of each model, by the model's name.

    Returns:
        `{"studies": {model: {..., "gain", "claims": {name: holds}, "elsewhere": [...]}}, "claims": {name:
        {"holds", "fails", "open"}}}`. "elsewhere" lists, for both targets, every detector's AUROC at its own
        layer with its early-detection claim, the highest first: where the declared one fails, that is where
        to look. "claims" counts studies.

    Raises:
        StudyError: a file is no collection of detection results.
    """
    found = {model: _study(path) for model, path in studies.items()}
    names = list(dict.fromkeys(name for study in found.values() for name in study["claims"]))
    counts = {}
    for name in names:
        held = [study["claims"].get(name) for study in found.values()]
        counts[name] = {
            "holds": sum(holds is True for holds in held),
            "fails": sum(holds is False for holds in held),
            "open": sum(holds is None for holds in held),
        }
    return {"studies": found, "claims": counts}


def _study(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
        primary = content["primary"]
        targets = content["organisms"][primary["organism"]]["targets"]
    except (OSError, json.JSONDecodeError, KeyError) as error:
        raise StudyError(f"{path} is no detection_auc.json: {error}", "delete it and run again") from error
    best = primary.get("best_baseline")
    elsewhere = [
        {
            "target": name,
            "detector": detector,
            "auroc": entry["auroc"],
            "layer": entry["layer"],
            "early_detection": entry["claims"]["early_detection"]["holds"],
        }
        for name, target in targets.items()
        for detector, entry in target["detectors"].items()
        if entry["auroc"] is not None
    ]
    return {
        **{key: primary[key] for key in _KEPT if key in primary},
        "gain": primary["baselines"][best]["gain"] if best else None,
        "claims": {name: claim["holds"] for name, claim in primary.get("claims", {}).items()},
        "elsewhere": sorted(elsewhere, key=lambda entry: -entry["auroc"]),
    }
