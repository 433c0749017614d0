"""Intervals of estimates that rest on a fit: prompts are left out altogether, and all is fitted again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from forewarn.statistics.auroc import Floats


@dataclass(frozen=True)
class JackknifeInterval:
    """An interval of Student's t around an estimate.

    Attributes:
        low: lower end, None if undefined.
        high: upper end, None if undefined.
        standard_error: of the estimate, None if undefined.
        groups: how many were left out in turn.
        confidence: e.g. 0.95.
        reason: why there are no ends; None if there are.
    """

    low: float | None
    high: float | None
    standard_error: float | None
    groups: int
    confidence: float
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON form, `reason` only where there is one."""
        content = {
            "low": self.low,
            "high": self.high,
            "standard_error": self.standard_error,
            "groups": self.groups,
            "confidence": self.confidence,
        }
        return content | ({"reason": self.reason} if self.reason else {})


def jackknife_interval(
    value: float | None, without: Floats, confidence: float = 0.95, bounds: tuple[float, float] = (0.0, 1.0)
) -> JackknifeInterval:
    """Delete-a-group jackknife (Kott 2001), with one degree of freedom less than there are groups.

    Its variance is too large on average, never too small (Efron and Stein 1981): where nothing is to be
    found, and what a fit finds is chance, by up to a factor of two; the clearer the finding, the less.

    Args:
        value: the estimate.
        without: float64 [groups], the estimate without each of some groups of about equal size.
        confidence: of the interval.
        bounds: between which the estimate lies.
    """
    groups = len(without)
    if value is None or groups < 3 or np.isnan(without).any():
        reason = (
            "there is no estimate"
            if value is None
            else "there are fewer than three groups of prompts"
            if groups < 3
            else "without one of the groups of prompts there is no estimate"
        )
        return JackknifeInterval(None, None, None, groups, confidence, reason)
    error = float(np.sqrt((groups - 1) / groups * np.sum((without - without.mean()) ** 2)))
    reach = float(stdtrit(groups - 1, (1 + confidence) / 2)) * error
    low, high = np.clip([value - reach, value + reach], *bounds)
    return JackknifeInterval(float(low), float(high), error, groups, confidence)
