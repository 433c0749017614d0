"""Resistance: is it easier to take a model back to what it was than forward to what it will be? (2406.06144)

Of one fine-tuning run two checkpoints are taken, and answers of each. Forward: the earlier checkpoint is
trained on answers of the later one. Inverse: the later one is trained on answers of the earlier one. The
paper compares the training losses, and finds the inverse one lower in all of its 27 comparisons.

A loss on somebody's answers has a floor, the entropy of those answers, which differs between the checkpoints.
So beside the loss as the paper has it stands the excess over the loss of whoever gave the answers: an
estimate of the divergence that is left. Both are of answers to questions that were not trained on, after
equally many rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from scipy.stats import binomtest

from forewarn.elasticity.curves import Floats, weighted
from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.steering.contrasts import Measurement

DIRECTIONS = ("forward", "inverse")
LOSSES = pa.schema(
    [
        pa.field("earlier", pa.int32(), nullable=False),  # optimiser steps of the organism's own training
        pa.field("later", pa.int32(), nullable=False),
        pa.field("direction", pa.string(), nullable=False),  # forward or inverse
        pa.field("seed", pa.int32(), nullable=False),  # of the order of rows
        pa.field("question_id", pa.string(), nullable=False),  # held out
        pa.field("loss", pa.float64(), nullable=False),  # nats, sum over the answers' tokens, after training
        pa.field("before", pa.float64(), nullable=False),  # the same before it
        pa.field("floor", pa.float64(), nullable=False),  # the same of the checkpoint that gave the answers
        pa.field("tokens", pa.int32(), nullable=False),
    ]
)
"""One row per pair of checkpoints, direction, seed and held-out question."""
PAPER = {"comparisons": 27, "inverse_lower": 27}


def summarise_resistance(losses: pa.Table, how: Measurement) -> dict[str, Any]:
    """Forward against inverse, for each pair of checkpoints.

    Args:
        losses: of the schema `LOSSES`.
        how: to measure.

    Returns:
        `comparisons`: per pair, and for `loss` and `excess` (nats a token), both directions and inverse minus
        forward with a paired interval over questions and seeds; `signs`: for each of the two, in how many
        pairs the inverse is lower, told apart or not, with a two-sided sign test as if pairs were
        independent, which those of one run are not; and the `paper`.
    """
    rows = losses.to_pylist()
    comparisons = []
    for earlier, later in sorted({(row["earlier"], row["later"]) for row in rows}):
        those = [row for row in rows if (row["earlier"], row["later"]) == (earlier, later)]
        comparisons.append({"earlier": earlier, "later": later, **_compare(those, how)})
    signs = {}
    for name in ("loss", "excess"):
        differences = [each[name]["inverse_minus_forward"] for each in comparisons]
        lower = sum(each["value"] < 0 for each in differences)
        tied = sum(each["value"] == 0 for each in differences)
        made = len(differences) - tied
        signs[name] = {
            "comparisons": len(differences),
            "inverse_lower": lower,
            "lower_told_apart": sum(each["high"] is not None and each["high"] < 0 for each in differences),
            "higher_told_apart": sum(each["low"] is not None and each["low"] > 0 for each in differences),
            "p_value": float(binomtest(lower, made).pvalue) if made else None,
        }
    return {"comparisons": comparisons, "signs": signs, "paper": PAPER}


def _compare(rows: list[dict[str, Any]], how: Measurement) -> dict[str, Any]:
    seeds, names = (sorted({row[key] for row in rows}) for key in ("seed", "question_id"))
    place = {(row["direction"], row["seed"], row["question_id"]): row for row in rows}

    def cells(key: str) -> Floats:
        """[seeds, directions, questions]."""
        return np.array(
            [[[place[way, seed, name][key] for name in names] for way in DIRECTIONS] for seed in seeds],
            dtype=np.float64,
        )

    of_prompts, of_seeds = np.random.SeedSequence(how.seed).generate_state(2)
    drawn = np.concatenate(
        [np.ones((1, len(names)), np.int64), resample(len(names), how.bootstrap, int(of_prompts))]
    )
    runs = np.concatenate(
        [np.ones((1, len(seeds)), np.int64), resample(len(seeds), how.bootstrap, int(of_seeds))]
    )
    tokens, floor = cells("tokens"), cells("floor")
    found: dict[str, Any] = {"questions": len(names), "seeds": len(seeds), "tokens": int(tokens[0].sum())}
    for name, below in (("loss", 0.0), ("excess", 1.0)):
        after, before = (
            weighted(cells(key) - below * floor, tokens, drawn, runs) for key in ("loss", "before")
        )
        difference = after[:, 1] - after[:, 0]
        interval = percentile_interval(difference[1:], how.confidence, len(names)).as_dict()
        found[name] = {
            "forward": float(after[0, 0]),
            "inverse": float(after[0, 1]),
            "before": {"forward": float(before[0, 0]), "inverse": float(before[0, 1])},
            "inverse_minus_forward": {"value": float(difference[0])} | interval,
        }
    return found
