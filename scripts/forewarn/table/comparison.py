"""The difference of two EM rates over seeds and prompts: its interval, its tests, what it could find.

A rate varies with the prompts that were asked and with the seeds that were trained, and both count: the
variance is that over prompts, plus that over seeds, minus what is in both (crossed clusters: Cameron, Gelbach
and Miller 2011). Models answer the same prompts, so prompts are paired; seeds are not, since seed 0 of one
model has nothing to do with seed 0 of another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from forewarn.statistics.auroc import Floats
from forewarn.statistics.labels import Labels

MARGIN = 0.05
"""Rates less than this apart (a share) count as the same. A convention, fixed before any number was seen:
misalignment of a few per cent is what the field argues about, 20 to 40 % what it calls emergent
(arXiv 2506.11613)."""
CONFIDENCE = 0.95
POWER = 0.8


@dataclass(frozen=True)
class Comparison:
    """First rate minus second, each the mean over its seeds.

    Attributes:
        rates: of the first and of the second side, shares.
        seeds: training seeds of each side.
        prompts: that all of them answered.
        responses: of each side.
        difference: of the rates.
        low: lower end of the interval.
        high: upper end.
        confidence: of the interval, for this comparison alone.
        standard_error: of the difference.
        freedom: degrees of freedom of Student's t.
        design_effect: its variance over that of as many independent responses.
        seeds_counted: whether the interval knows of seeds; else both sides have one seed, and it is about
            these two fine-tunes asked other prompts.
        p_differs: of the hypothesis that the rates are the same, two-sided.
        p_equivalent: of the hypothesis that they are at least a margin apart (two one-sided tests).
        minimal_detectable: smallest true difference that this comparison alone would find with a power of
            0.8, see `detectable`.
    """

    rates: tuple[float, float]
    seeds: tuple[int, int]
    prompts: int
    responses: tuple[int, int]
    difference: float
    low: float
    high: float
    confidence: float
    standard_error: float
    freedom: float
    design_effect: float
    seeds_counted: bool
    p_differs: float
    p_equivalent: float
    minimal_detectable: float

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


def compare(first: Sequence[Labels], second: Sequence[Labels], margin: float = MARGIN) -> Comparison:
    """Compare two sides on the prompts that they share.

    The variance is never taken for less than that of independent responses (Agresti and Caffo 2000: one
    misaligned and one other response is added to each side), so that 0 of n on both sides leaves an interval.
    The variance over seeds is taken to be the same on both sides: one seed on one side borrows that of the
    other. Freedom is Satterthwaite's. Simulated 95 % intervals over 60 prompts cover in 94 to 97 % of studies
    with three seeds on each side, in 92 % with three and one.

    Args:
        first: labels of each seed of the one side, of the same prompts in the same order.
        second: of the other side, likewise.
        margin: see `MARGIN`.

    Raises:
        ValueError: a side has no seed, seeds differ in their prompts, there are fewer than two prompts, or a
            seed has no responses.
    """
    sides = (first, second)
    sizes = {len(labels) for side in sides for labels in side}
    if not all(sides) or len(sizes) != 1 or min(sizes) < 2:
        raise ValueError(f"two sides need a seed each and the same prompts, two at least; found {sides}")
    if any(labels.responses.sum() == 0 for side in sides for labels in side):
        raise ValueError("a seed has no responses on the prompts that all share")
    prompts = sizes.pop()
    of_seeds = [
        np.array([labels.misaligned.sum() / labels.responses.sum() for labels in side]) for side in sides
    ]
    rates = (float(of_seeds[0].mean()), float(of_seeds[1].mean()))
    counts = (_responses(first), _responses(second))
    variance, freedom, counted = _variance(sides, of_seeds, prompts)
    floor = sum(_smoothed(rate, n) for rate, n in zip(rates, counts, strict=True))
    independent = sum(rate * (1 - rate) / n for rate, n in zip(rates, counts, strict=True))
    variance = max(variance, floor)
    error, difference = math.sqrt(variance), rates[0] - rates[1]
    reach = float(stdtrit(freedom, 0.5 + CONFIDENCE / 2)) * error
    return Comparison(
        rates=rates,
        seeds=(len(first), len(second)),
        prompts=prompts,
        responses=counts,
        difference=difference,
        low=max(-1.0, difference - reach),
        high=min(1.0, difference + reach),
        confidence=CONFIDENCE,
        standard_error=error,
        freedom=freedom,
        design_effect=variance / independent if independent else 1.0,
        seeds_counted=counted,
        p_differs=float(2 * stdtr(freedom, -abs(difference) / error)),
        p_equivalent=float(stdtr(freedom, (abs(difference) - margin) / error)),
        minimal_detectable=_detectable(rates, counts, variance, freedom, CONFIDENCE),
    )


def detectable(found: Comparison, tests: int) -> float:
    """Smallest true difference that would be found with a power of 0.8 among so many tests.

    It lies a quantile of the test and one of the power away from 0 (Bloom 1995), in standard errors at that
    difference: where rates are low, a higher one varies more, and the error at equal rates would promise too
    much. The variance grows with it as that of independent responses, times the design effect, so that it
    counts prompts and seeds as the interval does.

    Args:
        found: the comparison.
        tests: that the p-value is corrected for; Holm's first step, which each of them may have to pass.

    Returns:
        A share; 1 where not even the largest possible difference would be found as often.
    """
    level = 1 - (1 - found.confidence) / max(1, tests)
    return _detectable(found.rates, found.responses, found.standard_error**2, found.freedom, level)


def _detectable(
    rates: tuple[float, float], counts: tuple[int, int], variance: float, freedom: float, confidence: float
) -> float:
    wanted = float(stdtrit(freedom, 0.5 + confidence / 2) + stdtrit(freedom, POWER))
    # From the side on which a difference raises the variance; shares of the other class are as good.
    base = min(sum(rates) / 2, 1 - sum(rates) / 2)
    fewer, more = min(counts), max(counts)
    independent = base * (1 - base) * (1 / fewer + 1 / more)
    effect = max(1.0, variance / independent) if independent else 1.0

    def found(difference: float) -> bool:
        other = base + difference
        moved = effect * (base * (1 - base) / more + other * (1 - other) / fewer)
        return difference >= wanted * math.sqrt(max(variance, moved))

    low, high = 0.0, 1 - base
    if not found(high):
        return 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


def _variance(
    sides: Sequence[Sequence[Labels]], of_seeds: Sequence[Floats], prompts: int
) -> tuple[float, float, bool]:
    """Variance of the difference, its degrees of freedom, and whether seeds are in it."""
    parts = [_parts(side, rates) for side, rates in zip(sides, of_seeds, strict=True)]
    small_sample = prompts / (prompts - 1)
    by_prompt = small_sample * float(np.sum((parts[0].sum(axis=0) - parts[1].sum(axis=0)) ** 2))
    spare = sum(len(rates) - 1 for rates in of_seeds)
    if spare == 0:
        return by_prompt, prompts - 1.0, False
    squares = sum(float(np.sum((rates - rates.mean()) ** 2)) for rates in of_seeds)
    by_seed = squares / spare * sum(1 / len(rates) for rates in of_seeds)
    in_both = small_sample * sum(float(np.sum(part**2)) for part in parts)
    total = by_prompt + by_seed - in_both
    if total <= by_prompt:
        return by_prompt, prompts - 1.0, True
    if total <= by_seed:
        return by_seed, float(spare), True
    return total, total**2 / (by_prompt**2 / (prompts - 1) + by_seed**2 / spare), True


def _parts(side: Sequence[Labels], rates: Floats) -> NDArray[np.float64]:
    """What each seed's prompt moves the mean rate of a side: float64 [seeds, prompts], rows sum to 0."""
    return np.stack(
        [
            (labels.misaligned - rate * labels.responses) / labels.responses.sum() / len(side)
            for labels, rate in zip(side, rates, strict=True)
        ]
    )


def _responses(side: Sequence[Labels]) -> int:
    return int(sum(labels.responses.sum() for labels in side))


def _smoothed(rate: float, n: int) -> float:
    """Variance of a rate of n independent responses, with one of each class added."""
    share = (rate * n + 1) / (n + 2)
    return share * (1 - share) / (n + 2)
