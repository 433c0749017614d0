"""When a path is said to turn: a rule that was written down before any of nano's paths was looked at.

The local cosine of a benign fine-tune has peaks of its own: the first steps of Adam point anywhere, the last
ones are short. So its path is the null. What is compared is a peak's prominence, which a curve that merely
rises or falls towards an end does not have. The margin is about half of what the authors saw (2506.11613:
-0.81 and -0.69 at the peak, about -0.98 beside it). There is one benign path and no distribution, so the rule
tells no error rate; it asks for the same turn over every lag instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from forewarn.trajectory.path import prominence
from forewarn.trajectory.read import Floats

RULE = (
    "the local cosine of all B together has, at every lag, a peak whose prominence exceeds that of the "
    "benign fine-tune's most prominent peak at this lag by {margin:g} or more, and these peaks lie within "
    "{longest} steps"
)


@dataclass(frozen=True)
class Peak:
    """The most prominent peak of a local cosine.

    Attributes:
        step: where it is; None where there is no peak.
        value: of the local cosine there.
        prominence: above the lower ground on both sides; 0 where there is no peak.
        n: steps at which the local cosine is defined and not masked.
    """

    step: int | None
    value: float | None
    prominence: float
    n: int

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"step": self.step, "value": self.value, "prominence": self.prominence, "n": self.n}


def peak_of(steps: tuple[int, ...], values: Floats) -> Peak:
    """The most prominent peak; the earliest of several.

    Args:
        steps: of the path's points.
        values: masked local cosine, float64 [steps].
    """
    heights, n = prominence(values), int(np.sum(~np.isnan(values)))
    if not np.any(np.nan_to_num(heights) > 0):
        return Peak(None, None, 0.0, n)
    at = int(np.nanargmax(heights))
    return Peak(steps[at], float(values[at]), float(heights[at]), n)


def rotation(own: Mapping[int, Peak], benign: Mapping[int, Peak], margin: float) -> dict[str, Any]:
    """Apply the rule.

    Args:
        own: lag in steps -> peak of the organism's path.
        benign: the same of the benign organism's; with the same lags.
        margin: by how much a prominence is to exceed the benign one.

    Returns:
        `rule` in words, `declared`, `step` (the median peak; None unless declared), `range` (first and last
        peak over lags, likewise) and `lags`: per lag the peak, the benign one and whether it `clears`.
    """
    lags = {
        str(lag): own[lag].as_dict()
        | {
            "benign": benign[lag].as_dict(),
            "clears": own[lag].step is not None and own[lag].prominence >= benign[lag].prominence + margin,
        }
        for lag in own
    }
    found = sorted(peak.step for peak in own.values() if peak.step is not None)
    longest = max(own)
    declared = all(each["clears"] for each in lags.values()) and found[-1] - found[0] <= longest
    return {
        "rule": RULE.format(margin=margin, longest=longest),
        "declared": declared,
        "step": found[(len(found) - 1) // 2] if declared else None,
        "range": [found[0], found[-1]] if declared else None,
        "lags": lags,
    }
