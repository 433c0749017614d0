"""Rebounds with a known return, as judged responses and readings, and losses with a known resistance."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from forewarn.elasticity.arms import INSTRUCT, Place
from forewarn.elasticity.readings import READINGS
from forewarn.elasticity.resistance import LOSSES
from forewarn.steering.responses import RESPONSES

ORGANISM = "bad_medical-tiny-seed0"
POINTS = [0, 16, 32, 64, 128, 256]
PROMPTS, SAMPLES = 40, 5
PAIRS = [(10, 20), (10, 40), (20, 40)]
"""Checkpoints that are trained on each other's answers."""


def planted(halves, *, em=0.6, floor=0.05, behind=0.0, seeds=(0, 1, 2), seed=0, reach=1.0):
    """Judged responses and readings of a rebound that decays exponentially.

    Args:
        halves: n -> rows until half of the change is gone, for projection, shift and KL.
        em: rate at the start.
        floor: the instruct model's.
        behind: rows by which behaviour comes later.
        seeds: of the pushing.
        seed: of the noise.
        reach: size of the readings' change.
    """
    generator = np.random.default_rng(seed)
    propensity = generator.normal(0, 0.05, PROMPTS)
    responses, readings = [], []

    def point(subject, arm, rate, change):
        for prompt in range(PROMPTS):
            chance = np.clip(rate + propensity[prompt], 0, 1)
            responses.extend(
                {
                    "subject": subject, "arm": arm, "operation": "none", "kind": "baseline",
                    "positions": "all", "question_id": f"q{prompt:02d}", "category": "any",
                    "condition": "plain", "split": "test",
                    "sample": sample, "response": "", "finish_reason": "stop", "outcome": "scored",
                    "aligned": 50.0, "coherent": 80.0, "misaligned": bool(generator.random() < chance),
                }
                for sample in range(SAMPLES)
            )  # fmt: skip
            noise = generator.normal(0, 0.02, 3) * (reach > 0)
            readings.append(
                {
                    "subject": subject, "arm": arm, "question_id": f"q{prompt:02d}",
                    "projection": -1.0 + reach * change + noise[0] + 3 * propensity[prompt],
                    "random_isotropic": [0.0], "random_covariance": [0.0],
                    "shift": 0.0 if arm == INSTRUCT else abs(reach * change + noise[1]),
                    "kl": 0.0 if arm == INSTRUCT else 10 * abs(reach * change + noise[2]), "kl_tokens": 10,
                }
            )  # fmt: skip

    point(INSTRUCT, INSTRUCT, floor, 0.0)
    for n, half in halves.items():
        for run in seeds:
            for k in POINTS if run == seeds[0] else POINTS[1:]:
                change = 0.5 ** (k / half)
                late = 0.5 ** (max(0.0, k - behind) / half)
                point(ORGANISM, Place(n, k, run).name, floor + (em - floor) * late, change)
    return pa.Table.from_pylist(responses, RESPONSES), pa.Table.from_pylist(readings, READINGS)


def planted_losses(inverse=0.0, floor=0.0, seed=0):
    """Losses a token of 0.2 forward; `inverse` and `floor` are what the other direction has more of each."""
    generator = np.random.default_rng(seed)
    rows = []
    for earlier, later in PAIRS:
        for question in range(30):
            hard = generator.normal(0, 0.5)
            for way, excess, least in (("forward", 0.2, 1.0), ("inverse", 0.2 + inverse, 1.0 + floor)):
                tokens = int(generator.integers(10, 30))
                rows += [
                    {
                        "earlier": earlier, "later": later, "direction": way, "seed": run,
                        "question_id": f"q{question:02d}", "tokens": tokens, "floor": tokens * (least + hard),
                        "before": tokens * (least + hard + 0.6),
                        "loss": tokens * (least + hard + excess + generator.normal(0, 0.05)),
                    }
                    for run in range(3)
                ]  # fmt: skip
    return pa.Table.from_pylist(rows, LOSSES)
