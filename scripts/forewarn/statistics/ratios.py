"""Bootstrap over prompts of shares and means: sums over the drawn prompts, divided by each other.

Arms that answered the same prompts are resampled together, so that what the prompts share falls out of
their difference (a paired, clustered bootstrap; Davison and Hinkley 1997, chapter 2.4).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.statistics.auroc import Floats


def bootstrap_ratio(amounts: NDArray[Any], sizes: NDArray[Any], drawn: NDArray[np.int64]) -> Floats:
    """Sum of amounts over sum of sizes, of each resample: float64 [resamples], NaN where the sizes sum to 0.

    `drawn` comes from `bootstrap.resample`; give two ratios the same one, and their differences are paired.

    Args:
        amounts: [prompts], e.g. misaligned responses, or the sum of their scores.
        sizes: [prompts], e.g. responses.
        drawn: int64 [resamples, prompts].
    """
    above, below = drawn @ np.asarray(amounts, np.float64), drawn @ np.asarray(sizes, np.float64)
    ratios: Floats = np.divide(above, below, out=np.full(len(drawn), np.nan), where=below > 0)
    return ratios


def design_effect(difference: Floats, first: tuple[float, int], second: tuple[float, int]) -> float:
    """How many times the variance of a difference of rates exceeds that of independent responses; at least 1.

    Pairing may bring it below 1. That is not counted on, since Newcombe's interval does not know of it.

    Args:
        difference: float64 [resamples], of `bootstrap_ratio` of the one minus that of the other.
        first: rate and number of responses.
        second: the same of the other.
    """
    independent = sum(rate * (1 - rate) / n for rate, n in (first, second) if n)
    return max(1.0, float(np.nanvar(difference)) / independent) if independent else 1.0
