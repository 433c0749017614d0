"""Bootstrap over prompts: a drawn prompt brings all its responses, since those are not independent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.statistics.auroc import Floats, Groups, area
from forewarn.statistics.labels import Labels

# Draws x prompts that are handled at once: about 100 MB of intermediate arrays.
_BLOCK = 2_000_000


@dataclass(frozen=True)
class Interval:
    """A percentile interval.

    Attributes:
        low: lower end, None if undefined.
        high: upper end, None if undefined.
        confidence: e.g. 0.95.
        resamples: how many were drawn.
        undefined: how many of them had one class only, and so do not count.
        reason: why the ends are None; None if they are not.
    """

    low: float | None
    high: float | None
    confidence: float
    resamples: int
    undefined: int
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON form, `reason` only where there is one."""
        content = {
            "low": self.low,
            "high": self.high,
            "confidence": self.confidence,
            "resamples": self.resamples,
            "undefined": self.undefined,
        }
        return content | ({"reason": self.reason} if self.reason else {})


def resample(prompts: int, resamples: int, seed: int) -> NDArray[np.int64]:
    """How often each prompt is drawn in each resample: int64 [resamples, prompts], rows sum to `prompts`."""
    if prompts == 0:
        return np.zeros((resamples, 0), dtype=np.int64)
    generator = np.random.default_rng(seed)
    return generator.multinomial(prompts, np.full(prompts, 1 / prompts), size=resamples)


def bootstrap_auroc(
    scores: Floats, labels: Labels, drawn: NDArray[np.int64], groups: Groups | None = None
) -> Floats:
    """AUROC of each resample: float64 [resamples], NaN where a resample has one class only.

    `drawn` comes from `resample`; give two scores the same one, and their differences are paired.
    """
    rows = max(1, _BLOCK // max(1, len(labels)))
    blocks = [drawn[start : start + rows] for start in range(0, len(drawn), rows)]
    areas = [area(scores, block * labels.misaligned, block * labels.others, groups) for block in blocks]
    return np.concatenate(areas) if areas else np.zeros(0)


def percentile_interval(draws: Floats, confidence: float = 0.95) -> Interval:
    """Percentile interval of bootstrap draws; NaN draws are counted and left out."""
    defined = draws[~np.isnan(draws)]
    undefined = len(draws) - len(defined)
    if len(defined) == 0:
        reason = "no resample holds responses of both classes"
        return Interval(None, None, confidence, len(draws), undefined, reason)
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high), confidence, len(draws), undefined)
