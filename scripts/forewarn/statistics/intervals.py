"""Rates that carry their denominator and their Wilson interval, and differences between two rates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from scipy.special import ndtri


@dataclass(frozen=True)
class Rate:
    """`count` of `n`, with a two-sided Wilson score interval (Wilson 1927).

    The interval treats the n as independent draws. Several responses to one prompt are not, so for few
    prompts with many responses it is too narrow; there, a bootstrap over prompts is the better measure.

    Attributes:
        count: how many.
        n: of how many.
        low: lower end of the interval, a share; 0 if n is 0.
        high: upper end of the interval, a share; 1 if n is 0.
        confidence: of the interval, e.g. 0.95.
    """

    count: int
    n: int
    low: float
    high: float
    confidence: float

    @property
    def value(self) -> float | None:
        """The share, or None where there is nothing to take a share of."""
        return self.count / self.n if self.n else None

    def __str__(self) -> str:
        """Text for people. It never says 0 % (or 100 %), which a finite sample cannot show."""
        if self.n == 0:
            return "undefined: 0 of 0"
        if self.count == 0:
            return f"0 of {self.n}, at most {_percent(self.high)}"
        if self.count == self.n:
            return f"{self.n} of {self.n}, at least {_percent(self.low)}"
        share = self.count / self.n
        return f"{_percent(share)} [{100 * self.low:.1f}, {100 * self.high:.1f}], {self.count} of {self.n}"

    def as_dict(self) -> dict[str, Any]:
        """JSON form: count, n, rate (null for 0 of 0), low, high, confidence, text."""
        return {
            "count": self.count,
            "n": self.n,
            "rate": self.value,
            "low": self.low,
            "high": self.high,
            "confidence": self.confidence,
            "text": str(self),
        }


def wilson(count: int, n: int, confidence: float = 0.95) -> Rate:
    """The rate `count` of `n` with its Wilson interval.

    Raises:
        ValueError: `count` is not between 0 and `n`, or `confidence` not between 0 and 1.
    """
    if not 0 <= count <= n:
        raise ValueError(f"a count lies between 0 and n; found {count} of {n}")
    if n == 0:
        return Rate(0, 0, 0.0, 1.0, confidence)
    z = quantile(confidence)
    share, shrink = count / n, 1 + z**2 / n
    centre = (share + z**2 / (2 * n)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # The ends at 0 and n are exactly 0 and 1; rounding would leave them a hair off.
    low = 0.0 if count == 0 else centre - half
    high = 1.0 if count == n else centre + half
    return Rate(int(count), int(n), low, high, confidence)


@dataclass(frozen=True)
class Difference:
    """First rate minus second, with Newcombe's hybrid score interval; all None if either n is 0."""

    value: float | None
    low: float | None
    high: float | None
    confidence: float

    def as_dict(self) -> dict[str, Any]:
        """JSON form: value, low, high (shares), confidence."""
        return {"value": self.value, "low": self.low, "high": self.high, "confidence": self.confidence}


def newcombe(first: Rate, second: Rate) -> Difference:
    """Interval of a difference of independent rates from their Wilson intervals (Newcombe 1998, method 10).

    Raises:
        ValueError: the two rates have intervals of different confidence.
    """
    if first.confidence != second.confidence:
        raise ValueError(f"intervals of {first.confidence} and {second.confidence} cannot be combined")
    a, b = first.value, second.value
    if a is None or b is None:
        return Difference(None, None, None, first.confidence)
    below = math.hypot(a - first.low, second.high - b)
    above = math.hypot(first.high - a, b - second.low)
    return Difference(a - b, a - b - below, a - b + above, first.confidence)


def quantile(confidence: float) -> float:
    """Two-sided normal quantile, e.g. 1.96 for 0.95."""
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1; found {confidence}")
    return float(ndtri(0.5 + confidence / 2))


def _percent(share: float) -> str:
    """Percent with enough digits that a share above 0 never reads 0 and one below 1 never reads 100."""
    for digits in range(1, 6):
        text = f"{100 * share:.{digits}f}"
        if 0 < float(text) < 100:
            break
    return f"{text} %"
