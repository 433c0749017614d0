"""Ablation of single features in an organism, beside random features and random directions.

The decoder row of one feature is taken out of the residual stream, at the embedding and after every block.
What is ablated are the features whose cosines with the study's direction are largest in size; each is held
against random features (which are active at some token, and are none of these) and random directions of both
kinds together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.features.autoencoder import Autoencoder
from forewarn.statistics.holm import holm
from forewarn.steering.arms import BASELINE, Arm, Kind, RandomDirections, everywhere_arms
from forewarn.steering.contrasts import Counts, Measurement, compare_arms, count_by_prompt
from forewarn.steering.inputs import random_directions
from forewarn.steering.verdict import summarise_arms

TOP = "ablate_feature_"
RANDOM = "ablate_random_feature_"
# `Kind` lists what the study's own experiments have; a kind of this analysis is not worth their being run
# again.
RANDOM_FEATURE = cast(Kind, "random_feature")


def feature_arms(
    top: Sequence[int],
    active: Sequence[int],
    autoencoder: Autoencoder,
    randoms: RandomDirections,
    count: int,
    seed: int,
) -> list[Arm]:
    """Baseline; ablation of each top feature, of random features, and of random directions.

    Args:
        top: features, in order.
        active: how often each feature is active, [features]; those that never are, are not drawn.
        autoencoder: whose decoder rows are ablated.
        randoms: unit vectors to compare with.
        count: random features at most.
        seed: of their draw.
    """
    rows = autoencoder.directions().astype(np.float32)
    others = [
        feature
        for feature in range(len(rows))
        if feature not in top and active[feature] > 0 and rows[feature].any()
    ]
    drawn = np.random.default_rng(seed).permutation(np.array(others, dtype=np.int64))[:count].tolist()
    arms = [BASELINE]
    arms += [Arm(f"{TOP}{feature}", "ablate", "direction", vector=rows[feature]) for feature in top]
    arms += [Arm(f"{RANDOM}{feature}", "ablate", RANDOM_FEATURE, vector=rows[feature]) for feature in drawn]
    # The first is that of the direction that the function asks for beside.
    return arms + everywhere_arms(np.ones(rows.shape[1]), randoms)[1:]


def chosen_arms(
    autoencoder: Autoencoder,
    quality: Mapping[str, Any],
    summary: Mapping[str, Any],
    activations: Path,
    settings: Mapping[str, Any],
) -> list[Arm]:
    """The arms from files; the baseline alone where the organism has no such direction.

    Args:
        autoencoder: whose features.
        quality: JSON of the autoencoder, for `active`.
        summary: JSON of the organism (`forewarn.features.organism.read_organism`).
        activations: of the instruct model, whose covariance some random directions get.
        settings: `direction`, `layer`, `ablated`, `random_features`, `random_ablations` and `seed`.
    """
    found = summary["constructions"][settings["direction"]]
    if "undefined" in found:
        return [BASELINE]
    top = [row["feature"] for row in found["top"]][: settings["ablated"]]
    each = settings["random_ablations"]
    randoms = random_directions(
        activations, settings["layer"], autoencoder.W_dec.shape[1], n_isotropic=each, n_covariance=each,
        seed=settings["seed"],
    )  # fmt: skip
    return feature_arms(
        top, quality["active"], autoencoder, randoms, settings["random_features"], settings["seed"]
    )


def summarise_ablation(responses: pa.Table, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What ablating single features does.

    A feature is said to act where the signs of the prompts' differences from all random arms together,
    flipped at random, seldom give as much (two-sided, corrected over the features, Holm), and its EM rate
    lies outside the range of the random arms. Both were fixed before any arm was run.

    Args:
        responses: of all arms, judged (`forewarn.steering.summary.judged_arms`).
        settings: `direction`, `layer`, `permutations`, `measure` (`confidence`, `power`, `bootstrap`, `seed`)
            and the
            `thresholds` of the judge.

    Returns:
        `direction`, `layer`, `questions`, `baseline`, `random` (kind -> arms, and least, mean and greatest EM
        rate), and `features` (per feature its arm, see `summarise_arms` and `compare_arms`; `p_value`,
        `adjusted`, `outside_random` and `acts`).
    """
    how = Measurement(**settings["measure"])
    listed = summarise_arms(responses, **settings["thresholds"], confidence=how.confidence)
    arms = [arm | more for arm, more in zip(listed, compare_arms(responses, listed, how), strict=True)]
    counts = {name: counted for (_, name), counted in count_by_prompt(responses).items()}
    (baseline,) = [arm for arm in arms if arm["kind"] == "baseline"]
    randoms = [arm for arm in arms if arm["kind"].startswith("random")]
    beside = [counts[arm["arm"]] for arm in randoms]
    tested = [arm for arm in arms if arm["kind"] == "direction"]
    p_values = [
        _flipped(counts[arm["arm"]], beside, settings["permutations"], how.seed) if beside else None
        for arm in tested
    ]
    rates = [arm["em"]["rate"] for arm in randoms]
    features = []
    for arm, p_value, adjusted in zip(tested, p_values, holm(p_values), strict=True):
        rate = arm["em"]["rate"]
        outside = bool(rates) and not min(rates) <= rate <= max(rates)
        acts = None if adjusted is None else adjusted < 1 - how.confidence and outside
        features.append(
            {
                "feature": int(arm["arm"].removeprefix(TOP)),
                **arm,
                "p_value": p_value,
                "adjusted": adjusted,
                "outside_random": outside,
                "acts": acts,
            }
        )
    return {
        "direction": settings["direction"],
        "layer": settings["layer"],
        "questions": len(next(iter(counts.values())).responses),
        "baseline": baseline,
        "random": {
            kind: _range([arm["em"]["rate"] for arm in randoms if arm["kind"] == kind])
            for kind in dict.fromkeys(arm["kind"] for arm in randoms)
        },
        "features": features,
    }


def _flipped(arm: Counts, randoms: Sequence[Counts], permutations: int, seed: int) -> float:
    """Two-sided p-value of the prompts' paired differences in EM rate, with signs flipped at random."""
    together = sum(randoms[1:], randoms[0])
    asked = (arm.responses > 0) & (together.responses > 0)
    apart: NDArray[np.float64] = (
        arm.misaligned[asked] / arm.responses[asked] - together.misaligned[asked] / together.responses[asked]
    )
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(permutations, len(apart)))
    reached = np.abs(signs @ apart) >= abs(apart.sum()) - 1e-12
    return float((1 + reached.sum()) / (1 + permutations))


def _range(rates: list[float]) -> dict[str, Any]:
    return {"arms": len(rates), "least": min(rates), "mean": sum(rates) / len(rates), "greatest": max(rates)}
