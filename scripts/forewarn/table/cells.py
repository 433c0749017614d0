"""What the table shows of each summary: numbers are picked out here, none is made.

Each function takes the content of one file and returns the cells that the file fills, by their column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Content = Mapping[str, Any]
Cells = dict[str, Any]
SPLIT = "test"
"""Of the evaluation questions: those on which no direction was fitted."""
ONSET_SCALE = "1"
"""Scale of the adapter at which the onset is told: as it was trained."""


def rate_cells(content: Content, subject: str) -> Cells:
    """Of `results/{model}/rates/`: misalignment on the test questions, coherence, narrow misalignment."""
    split = content["splits"].get(SPLIT)
    narrow = content["narrow"]
    found: Cells = {"narrow_count": None, "narrow_n": None, "narrow_rate": None}
    if narrow:
        found = {f"narrow_{key}": narrow["em"][key] for key in ("count", "n", "rate")}
    if split:
        cell = split["all"]
        found |= {f"em_{key}": cell["em"][key] for key in ("count", "n", "rate", "low", "high")}
        found |= {"em_prompts": cell["n_questions"], "coherence": cell["mean_coherence"]}
        found["coherent_share"] = cell["n_coherent"] / cell["n"] if cell["n"] else None
    return found


def steering_cells(content: Content, subject: str) -> Cells:
    """Of `steering/{organism}/add.json` or `ablate.json`: the first verdict, beside no intervention."""
    name = content["operation"]
    if not content["verdicts"]:
        return {}
    verdict = content["verdicts"][0]
    arm = next(arm for arm in content["arms"] if arm["arm"] == verdict["arm"])
    against = arm["against_baseline"]["difference"]
    randoms = verdict["random"]
    return {
        f"{name}_n": arm["em"]["n"],
        f"{name}_rate": arm["em"]["rate"],
        f"{name}_low": arm["em"]["low"],
        f"{name}_high": arm["em"]["high"],
        f"{name}_change": against["value"],
        f"{name}_change_low": against["low"],
        f"{name}_change_high": against["high"],
        f"{name}_best_random": randoms["em_rate_max" if name == "add" else "em_rate_min"],
        f"{name}_randoms": randoms["n"],
        f"{name}_coherent": verdict["coherent"],
        f"{name}_beyond_random": verdict["passes"],
    }


def detection_cells(content: Content, subject: str) -> Cells:
    """Of `detection_auc.json`: the study's detector in this organism, its best baseline, the claim."""
    primary = content["primary"]
    target = content["organisms"][subject]["targets"].get(primary["target"])
    if target is None:
        return {}
    detector = target["detectors"][primary["detector"]]
    found: Cells = {"auroc": detector["auroc"], "auroc_prompts": target["test"]["n_prompts"]}
    if detector["auroc"] is None:  # one class only: there is nothing to detect
        return found
    interval, best = detector["interval"], detector["best_baseline"]
    found |= {"auroc_low": interval["low"], "auroc_high": interval["high"], "auroc_layer": detector["layer"]}
    if best is not None:
        gain = detector["baselines"][best]["gain"]
        found |= {
            "best_baseline": best,
            "best_baseline_auroc": detector["baselines"][best]["auroc"],
            "gain": gain["difference"],
            "gain_low": gain["interval"]["low"],
            "gain_high": gain["interval"]["high"],
        }
    return found | {"detection_claim": detector["claims"]["early_detection"]["holds"]}


def transition_cells(content: Content, subject: str) -> Cells:
    """Of `phase_transition/{organism}.json`: whether the path turns, and when misalignment sets in."""
    onset = content["onset"]["general"].get(ONSET_SCALE)
    found: Cells = {
        "rotation_declared": content["rotation"]["declared"],
        "rotation_step": content["rotation"]["step"],
        "training_steps": content["steps"],
    }
    if onset is None:
        return found
    return found | {
        "onset_step": onset["step"],
        "onset_low": onset["interval"]["low"],
        "onset_high": onset["interval"]["high"],
        "onset_responses": onset["n_responses"],
    }


def convergence_cells(content: Content, subject: str) -> Cells:
    """Of `convergence.json`: cosines of this organism's direction with all but the benign organism's.

    The pairs of an organism share its direction, so that no interval of their mean follows from theirs; the
    lowest and highest cosine stand beside it.
    """
    pairs = [
        pair
        for pair in content["cosines"]["pairs"]
        if subject in (pair["organism"], pair["other"]) and pair["cosine"] is not None
    ]
    pairs = [pair for pair in pairs if pair["relation"] != "benign" or content["benign"] == subject]
    if not pairs:
        return {}
    cosines = [pair["cosine"] for pair in pairs]
    return {
        "siblings": len(pairs),
        "sibling_cosine": float(np.mean(cosines)),
        "sibling_cosine_lowest": min(cosines),
        "sibling_cosine_highest": max(cosines),
        "siblings_beyond_chance": sum(bool(pair["beyond_chance"]) for pair in pairs),
    }


def refusal_cells(content: Content, subject: str) -> Cells:
    """Of `refusal/swaps/{organism}.json`: how often harm is refused, and what the swaps change."""
    arms = {
        (arm["measure"], arm["kind"]): arm
        for arm in content["arms"]
        if arm["subject"] == subject and not arm["kind"].startswith("random")
    }
    found: Cells = {}
    if plain := arms.get(("refusal", "baseline")):
        found = {f"refusal_{key}": plain["rate"][key] for key in ("n", "rate", "low", "high")}
    swaps = {"em_refusal_ablated": ("em", "refusal_direction"), "refusal_change": ("refusal", "direction")}
    for column, swap in swaps.items():
        if swap in arms and arms[swap]["against_baseline"]:
            change = arms[swap]["against_baseline"]["difference"]
            ends = {f"{column}_low": change["low"], f"{column}_high": change["high"]}
            found |= {column: change["value"], **ends}
    return found


CELLS: dict[str, Callable[[Content, str], Cells]] = {
    "rates": rate_cells,
    "add": steering_cells,
    "ablate": steering_cells,
    "detection": detection_cells,
    "transition": transition_cells,
    "convergence": convergence_cells,
    "refusal": refusal_cells,
}
"""By the kind of a summary; the kinds that `forewarn.table.rows` knows."""
