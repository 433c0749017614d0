"""How small a difference of two rates a comparison would have found: what a null result leaves open."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, gammaln, xlog1py, xlogy

from forewarn.statistics.auroc import Floats
from forewarn.statistics.intervals import quantile

Direction = Literal["above", "below"]
_HALVINGS = 40


def minimal_detectable_difference(
    n_first: int,
    n_second: int,
    rate: float,
    power: float = 0.8,
    confidence: float = 0.95,
    direction: Direction = "above",
) -> float | None:
    """Smallest true difference for which Newcombe's interval would lie on that side of 0, with that power.

    Exact: the two counts are binomial, and every pair of them is held against the interval that
    `intervals.newcombe` gives. Responses to the same prompt are no independent draws; for them, divide both
    numbers by the design effect (`overdispersion.design_effect`).

    Args:
        n_first: responses behind the rate that would differ.
        n_second: responses behind the rate it is compared with.
        rate: the true second rate, e.g. the one that was seen.
        power: probability of finding the difference.
        confidence: of the interval.
        direction: whether the first rate would be above the second, or below.

    Returns:
        The difference of the two rates, without sign; None where even the largest possible one would be
        missed too often.

    Raises:
        ValueError: a number is negative, or a share not between 0 and 1.
    """
    if n_first < 0 or n_second < 0 or not 0 <= rate <= 1 or not 0 < power < 1:
        raise ValueError(f"no power of {power} for {n_first} and {n_second} responses at a rate of {rate}")
    if n_first == 0 or n_second == 0:
        return None
    # Seen from the other class, what is below is above.
    base = rate if direction == "above" else 1 - rate
    counts = np.arange(n_second + 1)
    chance = _binomial(counts, n_second, base)
    likely = chance > 1e-12
    chance, needed = chance[likely], _needed(n_first, n_second, counts[likely], quantile(confidence))

    def found(first: float) -> float:
        return float(chance @ np.where(needed > 0, bdtrc(np.maximum(needed - 1, 0), n_first, first), 1.0))

    low, high = base, 1.0
    if found(high) < power:
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) >= power else (middle, high)
    return high - base


def _needed(n_first: int, n_second: int, second: NDArray[np.int64], z: float) -> NDArray[np.int64]:
    """Fewest of the first that put the interval above 0, for each count of the second; n + 1 for none."""
    low, high = np.zeros(len(second), dtype=np.int64), np.full(len(second), n_first + 1)
    while np.any(low < high):  # the interval's lower end rises with the first count
        middle = (low + high) // 2
        end = _lower_end(np.minimum(middle, n_first), n_first, second, n_second, z)
        above = (end > 0) & (middle <= n_first)
        low, high = np.where(above, low, np.minimum(middle + 1, high)), np.where(above, middle, high)
    return low


def _lower_end(first: NDArray[Any], n_first: int, second: NDArray[Any], n_second: int, z: float) -> Floats:
    """Lower end of Newcombe's interval of first minus second (1998, method 10)."""
    a, b = first / n_first, second / n_second
    lowest, _ = _wilson(a, n_first, z)
    _, highest = _wilson(b, n_second, z)
    end: Floats = a - b - np.hypot(a - lowest, highest - b)
    return end


def _wilson(share: Floats, n: int, z: float) -> tuple[Floats, Floats]:
    """Both ends of Wilson's interval, see `intervals.wilson`."""
    shrink = 1 + z**2 / n
    centre = (share + z**2 / (2 * n)) / shrink
    half = z / shrink * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.where(share == 0, 0.0, centre - half), np.where(share == 1, 1.0, centre + half)


def _binomial(counts: NDArray[np.int64], n: int, chance: float) -> Floats:
    """Probability of each count."""
    ways = gammaln(n + 1) - gammaln(counts + 1) - gammaln(n - counts + 1)
    found: Floats = np.exp(ways + xlogy(counts, chance) + xlog1py(n - counts, -chance))
    return found
