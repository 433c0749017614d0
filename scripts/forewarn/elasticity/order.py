"""Do organisms that saw more rows return faster? The order of speeds over n, against shuffled n.

2406.06144 expects it: the more rows a model was fine-tuned on, the faster it falls back. The test is about
the runs at hand: starts that are snapshots of one training run are not drawn anew for each seed of the
pushing, so what is peculiar to a snapshot counts as an effect of its n.
"""

from __future__ import annotations

from itertools import combinations, permutations, product
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
        runs can give, ties being what they are).
    """
    starts, seeds = halves.shape
    if starts < 2 or seeds == 0:
        return {"statistic": None, "pairs": 0, "p_value": None, "shufflings": 0, "least_p": None}
    found = shuffled(signs_of(halves), seed)
    pairs = starts * (starts - 1) // 2 * seeds
    return {"statistic": found.pop("total") / pairs, "pairs": pairs, **found}


def signs_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Which of each two things is lower, in each run.

    Signs and not differences, so that infinities are harmless.

    Args:
        values: float64 [things, runs]; NaN where there is none, which is like a tie with all others.

    Returns:
        float64 [runs, things, things], +1 where the second one is lower, -1 where the first one is.
    """
    first, second = values.T[:, :, None], values.T[:, None, :]
    with np.errstate(invalid="ignore"):
        found: NDArray[np.float64] = (first > second).astype(np.float64) - (first < second)
    return found


def shuffled(signs: NDArray[np.float64], seed: int = 0) -> dict[str, Any]:
    """How far things are in the order of their places, against places shuffled within each run.

    Args:
        signs: float64 [runs, things, things], from `signs_of`, or sums of such.
        seed: of the shufflings, where there are too many to try all.

    Returns:
        `total` (of the signs of all pairs, so positive where later things are lower), `p_value` (two-sided),
        `shufflings`, and `least_p`, which the strongest order of these signs would have.
    """
    runs, things, _ = signs.shape
    pairs = list(combinations(range(things), 2))
    every = list(permutations(range(things)))
    # What each order of the things gives in each run; a shuffling draws one order a run
    totals = np.array(
        [[sum(of_run[order[i], order[j]] for i, j in pairs) for order in every] for of_run in signs]
    )
    observed = float(totals[:, 0].sum())
    if len(every) ** runs <= EXACT:
        null = np.array([sum(chosen) for chosen in product(*totals)])
        least = float(np.mean(np.abs(null) >= np.abs(null).max() - 1e-12))
        p_value = float(np.mean(np.abs(null) >= abs(observed) - 1e-12))
    else:
        drawn = np.random.default_rng(seed).integers(len(every), size=(EXACT, runs))
        null = totals[np.arange(runs), drawn].sum(axis=1)
        least = 1 / (1 + EXACT)
        p_value = float((1 + np.sum(np.abs(null) >= abs(observed) - 1e-12)) / (1 + EXACT))
    return {"total": observed, "p_value": p_value, "shufflings": len(null), "least_p": least}
