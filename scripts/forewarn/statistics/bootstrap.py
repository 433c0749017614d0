"""Bootstrap over prompts: a drawn prompt brings all its responses, since those are not independent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

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


def percentile_interval(draws: Floats, confidence: float = 0.95, prompts: int | None = None) -> Interval:
    """Percentile interval of bootstrap draws; NaN draws are counted and left out.

    The plain interval is a little too narrow, and with few draws narrower still. Give the number of prompts,
    and it is widened for both: as z sqrt(1 - 1/n) falls short of Student's t with n - 1 degrees of freedom
    (the expanded percentile interval of Hesterberg, arXiv 1411.5279), and by taking B draws for B points
    that cut the distribution into B + 1 parts of equal probability. Over 120 prompts with 20 responses each
    that brings the coverage of a 95 % interval of AUROC from 94 % to 95 %.

    Args:
        draws: float64 [resamples].
        confidence: e.g. 0.95.
        prompts: how many were resampled; None for the plain interval.
    """
    defined = draws[~np.isnan(draws)]
    undefined = len(draws) - len(defined)
    if len(defined) == 0:
        reason = "no resample holds responses of both classes"
        return Interval(None, None, confidence, len(draws), undefined, reason)
    if prompts is not None and prompts < 2:
        reason = "an interval over prompts takes two of them"
        return Interval(None, None, confidence, len(draws), undefined, reason)
    tail = (1 - confidence) / 2
    if prompts is None:
        low, high = np.quantile(defined, [tail, 1 - tail])
    else:
        tail = _expanded(tail, prompts)
        low, high = np.quantile(defined, [tail, 1 - tail], method="weibull")
    return Interval(float(low), float(high), confidence, len(draws), undefined)


def _expanded(tail: float, units: int) -> float:
    """The tail of a normal beyond the point that Student's t asks for."""
    return float(ndtr(stdtrit(units - 1, tail) * np.sqrt(units / (units - 1))))
