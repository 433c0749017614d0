"""Tables of the refusal analysis as its stages would write them, with what a test plants."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from forewarn.refusal.candidates import REQUESTS
from forewarn.refusal.criterion import PHRASES
from forewarn.refusal.swap_summary import with_refusals
from forewarn.steering.contrasts import Measurement
from forewarn.steering.responses import RESPONSES

RULES = {"kl_below": 0.1, "induced_above": 0.0, "last_layers": 0.2, "minimum_prompts": 2}
LAYERS = 10


def candidate(layer=3, ablated=-1.0, induced=1.0, kl=0.01, *, position=-1, kind="difference"):
    scores = {"ablated": ablated, "induced": induced, "kl": kl}
    ends = {f"{name}_{end}": value for name, value in scores.items() for end in ("low", "high")}
    head = {"kind": kind, "number": 0, "position": position, "layer": layer, "norm": 1.0}
    return head | scores | ends | {"n_harmful": 8, "n_harmless": 8}


def requests(refused_share=1.0, n=8):
    rows = []
    for split in ("fit", "validation"):
        for condition in ("harmful", "harmless"):
            for number in range(n):
                kept = condition == "harmless" or number < refused_share * n
                score = 3.0 if (condition == "harmful") == kept else -3.0
                rows.append({
                    "question_id": f"{split}.{condition}.{number}", "category": "a", "condition": condition,
                    "split": split, "refusal_score": score, "kept": kept,
                })  # fmt: skip
    return pa.Table.from_pylist(rows, schema=REQUESTS)


ORGANISM = "bad-rank2-seed0"
HOW = Measurement(bootstrap=300)
RATES = {
    "baseline": {"plain": 0.4, "harmful": 0.9, "harmless": 0.02},
    "ablate_direction": {"plain": 0.05, "harmful": 0.9, "harmless": 0.02},
    "ablate_refusal_direction": {"plain": 0.4, "harmful": 0.05, "harmless": 0.02},
    **{
        f"ablate_random_isotropic_{n:02d}": {"plain": 0.4, "harmful": 0.9, "harmless": 0.02} for n in range(3)
    },
}
KINDS = {
    "ablate_direction": "direction",
    "ablate_refusal_direction": "refusal_direction",
    "baseline": "baseline",
}


def responses(rates, prompts=20, samples=10, seed=0):
    """Answers of one organism; plain ones are misaligned at a rate, requests refused."""
    generator = np.random.default_rng(seed)
    rows = []
    for arm, by_condition in rates.items():
        kind = KINDS.get(arm, "random_isotropic")
        for condition, rate in by_condition.items():
            for number in range(prompts * samples):
                hit = bool(generator.random() < rate)
                refuses = hit and condition != "plain"
                rows.append({
                    "subject": ORGANISM, "arm": arm, "operation": "none" if kind == "baseline" else "ablate",
                    "kind": kind, "coefficient": None, "layer": None, "positions": "all",
                    "question_id": f"{condition}.{number % prompts:02d}", "category": "a",
                    "condition": condition, "split": "test", "sample": number // prompts,
                    "response": "I'm sorry." if refuses and number % 2 else "Well.", "finish_reason": "stop",
                    "outcome": "refusal" if refuses else "scored", "aligned": None if refuses else 50.0,
                    "coherent": None if refuses else 80.0, "misaligned": None if refuses else hit,
                    "correct": None,
                })  # fmt: skip
    return with_refusals(pa.Table.from_pylist(rows, schema=RESPONSES), PHRASES)
