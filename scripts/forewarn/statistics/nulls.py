"""What AUROC does a direction reach that means nothing?

Prompts cluster (by category, by wording), so a random projection may separate well by chance, and 0.5 is
not the bar. The bar is the distribution over random directions on the very same prompts and labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.statistics.auroc import Floats, Groups, area
from forewarn.statistics.labels import Labels


@dataclass(frozen=True)
class Null:
    """An observed AUROC against those of random directions.

    Attributes:
        mean: mean over random directions, None if undefined.
        low: e.g. the 2.5 % point.
        high: e.g. the 97.5 % point.
        beyond: the observed value is above `high`; None if either is undefined.
        p_value: (1 + how many random directions reach the observed value) / (1 + how many there are).
        directions: how many there are.
        confidence: share of the null between `low` and `high`.
        reason: why there are no numbers; None if there are.
    """

    mean: float | None
    low: float | None
    high: float | None
    beyond: bool | None
    p_value: float | None
    directions: int
    confidence: float
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON form, `reason` only where there is one."""
        content = {
            "mean": self.mean,
            "low": self.low,
            "high": self.high,
            "beyond": self.beyond,
            "p_value": self.p_value,
            "directions": self.directions,
            "confidence": self.confidence,
        }
        return content | ({"reason": self.reason} if self.reason else {})


def null_aurocs(
    vectors: NDArray[Any], directions: Floats, labels: Labels, groups: Groups | None = None
) -> Floats:
    """AUROC of each direction's projection.

    Args:
        vectors: float [prompts, d].
        directions: float64 [directions, d].
        labels: counts of the prompts.
        groups: [prompts] or None, as in `auroc`.

    Returns:
        float64 [directions], NaN where AUROC is undefined.
    """
    projections = directions @ np.asarray(vectors, dtype=np.float64).T
    return area(projections, labels.misaligned, labels.others, groups)


def against_null(observed: float | None, values: Floats, confidence: float = 0.95) -> Null:
    """Where the observed AUROC stands among those of random directions."""
    defined = values[~np.isnan(values)]
    if observed is None or len(defined) == 0:
        reason = "AUROC is undefined" if len(values) else "no random direction was drawn"
        return Null(None, None, None, None, None, len(values), confidence, reason)
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    reached = int(np.sum(defined >= observed))
    return Null(
        mean=float(defined.mean()),
        low=float(low),
        high=float(high),
        beyond=bool(observed > high),
        p_value=(1 + reached) / (1 + len(defined)),
        directions=len(values),
        confidence=confidence,
    )
