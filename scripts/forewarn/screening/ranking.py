"""Do the scores of datasets rank the misalignment that training on them causes?

With few datasets a rank correlation says little, however high: of n datasets the best possible order comes
up by chance once in n! times. The permutation test is exact, and the least p that n allows stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from math import factorial
from typing import Any

import numpy as np
from scipy.stats import rankdata

from forewarn.statistics.holm import holm

EXACT = 8
"""Datasets up to which all orders are counted; of more, `DRAWS` are drawn."""
DRAWS = 20_000


def rank_correlation(scores: Sequence[float], rates: Sequence[float], seed: int = 0) -> dict[str, Any]:
    """Spearman's correlation with a one-sided permutation p-value.

    Args:
        scores: one per dataset.
        rates: EM rate after training on it.
        seed: of the orders that are drawn, where there are too many to count.

    Returns:
        `n`, `spearman` (None where it is undefined, with a `reason`), `p_value` (of a correlation this high),
        `least_p` (what a perfect order would have), `orders` counted and whether that is `exact`.
    """
    n = len(scores)
    least = 1 / factorial(n) if n <= EXACT else 1 / (1 + DRAWS)
    content: dict[str, Any] = {"n": n, "spearman": None, "p_value": None, "least_p": least}
    if n < 3 or len(set(scores)) < 2 or len(set(rates)) < 2:
        reason = "fewer than three datasets" if n < 3 else "all scores or all rates are equal"
        return content | {"orders": 0, "exact": n <= EXACT, "reason": reason}
    first, second = (rankdata(each) - (n + 1) / 2 for each in (scores, rates))
    scale = float(np.sqrt(np.sum(first**2) * np.sum(second**2)))
    observed = float(first @ second) / scale
    if n <= EXACT:
        orders = np.array(list(permutations(range(n))))
        reached = int(np.sum(second[orders] @ first / scale >= observed - 1e-9))
        p_value, count = reached / len(orders), len(orders)
    else:
        generator = np.random.default_rng(seed)
        drawn = generator.permuted(np.tile(second, (DRAWS, 1)), axis=1)
        p_value = (1 + int(np.sum(drawn @ first / scale >= observed - 1e-9))) / (1 + DRAWS)
        count = DRAWS
    return content | {"spearman": observed, "p_value": p_value, "orders": count, "exact": n <= EXACT}


def compare_datasets(
    screened: Mapping[str, Mapping[str, Any]],
    rates: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """The scores of all datasets beside the misalignment of the organisms trained on them.

    Args:
        screened: summary of each dataset.
        rates: of each organism, the counts of its test split (`em` of a summary of rates).
        settings: `organisms` (name -> dataset), `benign`, `direction` (the headline), `confidence`, `seed`.

    Returns:
        `construction` (the headline), `layer`, `benign`, `confidence`; `datasets`: each with its scores on
        the headline's directions, Holm-corrected p-values of both nulls over datasets, whether it is
        `flagged` (its interval lies above 0 and both p-values below 1 - confidence), and its organisms'
        `em`; `ranking`: by construction and reading, of score against EM rate.
    """
    names, chosen = list(screened), settings["direction"]
    mine = {name: screened[name]["constructions"][chosen] for name in names}
    corrected = {kind: holm([_p(mine[name], kind) for name in names]) for kind in ("isotropic", "covariance")}
    trained = {
        name: {who: rates[who] for who, dataset in settings["organisms"].items() if dataset == name}
        for name in names
    }
    em = {name: float(np.mean([each["rate"] for each in trained[name].values()])) for name in names}
    datasets = []
    for place, name in enumerate(names):
        p_values = {kind: values[place] for kind, values in corrected.items()}
        low = mine[name]["readings"]["others"].get("interval", {}).get("low")
        below = [p is not None and p < 1 - settings["confidence"] for p in p_values.values()]
        datasets.append(
            {key: screened[name][key] for key in ("dataset", "n_rows", "n_prompts", "left_out")}
            | dict(mine[name])
            | {
                "p_values": p_values,
                "flagged": None if low is None else bool(low > 0 and all(below)),
                "em": {"rate": em[name], "organisms": trained[name]},
            }
        )
    return {
        "construction": chosen,
        "layer": screened[names[0]]["layer"],
        "benign": settings["benign"],
        "confidence": settings["confidence"],
        "datasets": datasets,
        "ranking": {
            construction: {
                reading: _ranked(screened, construction, reading, em, settings["seed"])
                for reading in ("others", "own")
            }
            for construction in screened[names[0]]["constructions"]
        },
    }


def _ranked(
    screened: Mapping[str, Mapping[str, Any]],
    construction: str,
    reading: str,
    em: Mapping[str, float],
    seed: int,
) -> dict[str, Any]:
    """Score against EM rate, over the datasets that have a score."""
    scores = {
        name: each["constructions"][construction]["readings"][reading].get("mean")
        for name, each in screened.items()
    }
    known = {name: value for name, value in scores.items() if value is not None}
    found = rank_correlation(list(known.values()), [em[name] for name in known], seed)
    return {"datasets": list(known)} | found


def _p(summary: Mapping[str, Any], kind: str) -> float | None:
    null = summary["readings"]["others"].get("null")
    return None if null is None else null[kind]["p_value"]
