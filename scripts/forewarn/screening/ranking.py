"""Do scores rank the misalignment that training causes, whichever way of scoring is looked at?

With few datasets a rank correlation says little, however high: of n datasets the best possible order comes
up by chance once in n! times. The permutation test is exact, and the least p that n allows stands beside it.
Several ways of scoring are tested together: each is held against the largest correlation that any of them
reaches in the same order (max-T, Westfall and Young 1993), so that it does not matter which one is preferred.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]

EXACT = 8
"""Datasets up to which all orders are counted; of more, `DRAWS` are drawn."""
DRAWS = 20_000
FEWEST = 3
"""Datasets that a rank correlation takes."""
CLOSE = 1e-9
"""Correlations that differ by less are equal but for rounding."""


def rank_correlations(
    scores: Mapping[str, Sequence[float | None]],
    rates: Sequence[float],
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Spearman's correlation of each way of scoring with the rates, by one-sided permutation tests.

    Args:
        scores: way of scoring -> one score per dataset, None where it has none.
        rates: EM rate after training on each dataset.
        confidence: one minus the p-value that a correlation must stay below.
        seed: of the orders that are drawn, where there are too many to count.

    Returns:
        By way `n` datasets, `spearman` (None where it is undefined, with a `reason`), `p_value` (of a
        correlation this high, as if nothing else had been looked at), `adjusted` (that pays for the choice
        among all ways), `least_p` (the least `adjusted` that these scores and rates allow in any order),
        `critical` (the least correlation whose `adjusted` would lie below 1 - confidence; None where none
        would), `orders` counted and whether that is `exact`.
    """
    orders, exact = _orders(len(rates), seed)
    values = np.asarray(rates, dtype=np.float64)
    found: dict[str, dict[str, Any]] = {}
    drawn: dict[str, Floats] = {}
    for way, given in scores.items():
        known = np.array([score is not None for score in given], dtype=bool)
        mine = np.array([score for score in given if score is not None], dtype=np.float64)
        content: dict[str, Any] = {
            "n": len(mine), "spearman": None, "p_value": None, "adjusted": None, "least_p": None,
            "critical": None, "orders": 0, "exact": exact,
        }  # fmt: skip
        if len(mine) < FEWEST or len(set(mine)) < 2 or len(set(values[known])) < 2:
            few = len(mine) < FEWEST
            content["reason"] = "fewer than three datasets" if few else "all scores or all rates are equal"
        else:
            content["spearman"] = float(_spearman(mine, values[None, known])[0])
            drawn[way] = _spearman(mine, values[orders][:, known])
        found[way] = content
    if not drawn:
        return found
    highest = np.max(list(drawn.values()), axis=0)
    reachable = np.unique(np.concatenate(list(drawn.values())).round(9))
    small = [value for value in reachable if _p_value(highest, value, exact) < 1 - confidence]
    for way, null in drawn.items():
        content = found[way]
        content["p_value"] = _p_value(null, content["spearman"], exact)
        content["adjusted"] = _p_value(highest, content["spearman"], exact)
        content["least_p"] = _p_value(highest, float(highest.max()), exact)
        content["critical"] = float(min(small)) if small else None
        content["orders"] = len(orders)
    return found


def rank_correlation(scores: Sequence[float], rates: Sequence[float], seed: int = 0) -> dict[str, Any]:
    """The same for a single way of scoring, see `rank_correlations`."""
    return rank_correlations({"score": scores}, rates, seed=seed)["score"]


def _orders(n: int, seed: int) -> tuple[NDArray[np.int64], bool]:
    """Orders of n datasets, int64 [orders, n], and whether they are all there are."""
    if n <= EXACT:
        return np.array(list(permutations(range(n))), dtype=np.int64).reshape(-1, n), True
    generator = np.random.default_rng(seed)
    return generator.permuted(np.tile(np.arange(n), (DRAWS, 1)), axis=1), False


def _spearman(scores: Floats, rates: Floats) -> Floats:
    """Of scores [n] with each row of rates [orders, n]: float64 [orders]; -1 where all rates are equal."""
    first = rankdata(scores) - (len(scores) + 1) / 2
    second = rankdata(rates, axis=1) - (len(scores) + 1) / 2
    size = np.sqrt((first**2).sum() * (second**2).sum(axis=1))
    found: Floats = np.divide(second @ first, size, out=np.full(len(rates), -1.0), where=size > 0)
    return found


def _p_value(null: Floats, observed: float, exact: bool) -> float:
    """Share of orders that reach a correlation; the order that was observed counts as one."""
    reached = int(np.sum(null >= observed - CLOSE))
    return reached / len(null) if exact else (1 + reached) / (1 + len(null))
