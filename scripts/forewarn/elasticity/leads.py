"""Rows to half-return with their interval, and which of two curves passes half of its way first."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from forewarn.elasticity.curves import Floats
from forewarn.steering.contrasts import Measurement


def lead(first: Floats, behaviour: Floats, how: Measurement) -> dict[str, Any]:
    """By how many rows a measure passes half of its way before behaviour does.

    Args:
        first: [1 + draws], half-returns of the measure; the first is the estimate.
        behaviour: the same of the EM rate, of the same draws.
        how: to measure.

    Returns:
        `rows` (positive: the measure first; None where both or one never return), `low` and `high` (None at
        infinity), `undefined` (share of draws where neither returns), and `verdict`: leads, lags, neither,
        or undecided where too many draws are undefined.
    """
    with np.errstate(invalid="ignore"):
        difference = behaviour - first
    draws = difference[1:]
    undefined = float(np.mean(np.isnan(draws)))
    tail = (1 - how.confidence) / 2
    value = None if not np.isfinite(difference[0]) else float(difference[0])
    if undefined > tail:
        return {"rows": value, "low": None, "high": None, "undefined": undefined, "verdict": "undecided"}
    low, high = np.quantile(draws[~np.isnan(draws)], [tail, 1 - tail], method="inverted_cdf")
    verdict = "leads" if low > 0 else "lags" if high < 0 else "neither"
    return {
        "rows": value,
        "low": _finite(low),
        "high": _finite(high),
        "undefined": undefined,
        "verdict": verdict,
    }


def speeds(halves: dict[int, Floats], how: Measurement) -> list[dict[str, Any]]:
    """Each two starts: by how many rows the one that had seen more returns sooner.

    The starts share prompts and draws, so what a prompt adds to both falls out. The order over n (see
    `forewarn.elasticity.order`) is blind to the noise of the answers at the start, which all seeds of the
    pushing share; these intervals are not.

    Args:
        halves: n -> [1 + draws], see `lead`.
        how: to measure.

    Returns:
        Per pair `n` (fewer, more) and `lead`'s numbers; the verdict is faster, slower, neither or undecided.
    """
    words = {"leads": "faster", "lags": "slower"}
    found = []
    for fewer, more in combinations(sorted(halves), 2):
        numbers = lead(halves[more], halves[fewer], how)
        verdict = words.get(numbers["verdict"], numbers["verdict"])
        found.append({"n": [fewer, more], **numbers, "verdict": verdict})
    return found


def rows_interval(halves: Floats, how: Measurement) -> dict[str, Any]:
    """Rows to half-return with an interval; None is beyond the last point."""
    draws = halves[1:][~np.isnan(halves[1:])]
    tail = (1 - how.confidence) / 2
    low, high = (
        np.quantile(draws, [tail, 1 - tail], method="inverted_cdf") if len(draws) else (np.inf, np.inf)
    )
    return {
        "rows": _finite(halves[0]),
        "low": _finite(low),
        "high": _finite(high),
        "confidence": how.confidence,
        "without": float(np.mean(np.isinf(draws))) if len(draws) else None,
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
