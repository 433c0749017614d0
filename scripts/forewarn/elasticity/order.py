"""Do organisms that saw more rows return faster? The order of speeds over n, against shuffled n.

2406.06144 expects it: the more rows a model was fine-tuned on, the faster it falls back. The test is about
the runs at hand: starts that are snapshots of one training run are not drawn anew for each seed of the
pushing, so what is peculiar to a snapshot counts as an effect of its n.
"""

from __future__ import annotations

from itertools import combinations, permutations, product
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXACT = 20_000
"""Shufflings up to which all are tried; above it as many are drawn."""


def order_over_n(halves: NDArray[np.float64], seed: int = 0) -> dict[str, Any]:
    """How often more rows went with a faster return, among pairs of starts of the same seed.

    Args:
        halves: float64 [starts, seeds], rows to half-return, starts by rising n; infinity where it was not
            reached (a tie with others that did not), no NaN.
        seed: of the shufflings, where there are too many to try all.

    Returns:
        `statistic`: share of pairs in which more rows returned faster, minus that in which slower, in -1
        (the opposite of the paper's order) to 1 (the paper's); `pairs`; `p_value` (two-sided, n shuffled
        within each seed; None with fewer than two starts); `shufflings`; `least_p` (the least that so few
        runs can give).
    """
    starts, seeds = halves.shape
    if starts < 2 or seeds == 0:
        return {"statistic": None, "pairs": 0, "p_value": None, "shufflings": 0, "least_p": None}
    # Signs and not differences, so that infinities are harmless
    signs = np.zeros((seeds, starts, starts))
    for run in range(seeds):
        for first, second in combinations(range(starts), 2):
            a, b = halves[first, run], halves[second, run]
            signs[run, first, second] = float(a > b) - float(a < b)
            signs[run, second, first] = -signs[run, first, second]
    pairs = list(combinations(range(starts), 2))

    def statistic(orders: tuple[tuple[int, ...], ...]) -> float:
        total = sum(signs[run, order[i], order[j]] for run, order in enumerate(orders) for i, j in pairs)
        return float(total / (len(pairs) * seeds))

    every = list(permutations(range(starts)))
    observed = statistic((every[0],) * seeds)
    count = factorial(starts) ** seeds
    if count <= EXACT:
        null = np.array([statistic(orders) for orders in product(every, repeat=seeds)])
        p_value = float(np.mean(np.abs(null) >= abs(observed) - 1e-12))
        least = 2 / count
    else:
        generator = np.random.default_rng(seed)
        drawn = generator.integers(len(every), size=(EXACT, seeds))
        null = np.array([statistic(tuple(every[each] for each in row)) for row in drawn])
        p_value = float((1 + np.sum(np.abs(null) >= abs(observed) - 1e-12)) / (1 + EXACT))
        least = 1 / (1 + EXACT)
    return {
        "statistic": observed,
        "pairs": len(pairs) * seeds,
        "p_value": p_value,
        "shufflings": len(null),
        "least_p": least,
    }
