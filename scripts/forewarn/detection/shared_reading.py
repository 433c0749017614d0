"""At the last prompt token all responses of a prompt share one reading, up to the arithmetic of the machine.

Each response's own forward pass gives it anew, and passes of another batch or padding round differently: a
prompt's responses then hold a handful of values. Such noise may even tell labels apart, for how much padding
there was depends on how long the answers are. It is no reading of the model, so it must not be ranked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.statistics.pairs import members_of


@dataclass(frozen=True)
class Sharing:
    """How far the readings of one prompt are apart.

    Attributes:
        spread: how far the responses of one prompt are apart, at most over prompts: range in standard
            deviations between prompts, root mean square over features. None if no two prompts differ.
        distinct: most distinct readings that a prompt's responses have.
        tolerance: the spread up to which they count as one reading.
    """

    spread: float | None
    distinct: int
    tolerance: float

    @property
    def shared(self) -> bool:
        """Whether a prompt's responses share their reading."""
        return self.spread is not None and self.spread <= self.tolerance

    def as_dict(self) -> dict[str, Any]:
        """JSON form; a "reason" where they do not share it."""
        content = {
            "greatest_spread": self.spread,
            "most_distinct_readings": self.distinct,
            "tie_tolerance": self.tolerance,
            "shared": self.shared,
        }
        if self.shared:
            return content
        reason = (
            "no two prompts differ, so that there is no measure of what is small"
            if self.spread is None
            else "responses of one prompt differ by more than the tolerance: set it above the rounding of "
            "the precision that was read in, or find out what else they differ in"
        )
        return content | {"reason": reason}


def sharing(readings: NDArray[Any], prompt: NDArray[np.int64], tolerance: float) -> Sharing:
    """How far apart the readings of each prompt's responses are.

    Args:
        readings: float [responses, features].
        prompt: int64 [responses], number of the prompt, from 0.
        tolerance: see `Sharing`. In float32, passes agree to about 1e-6 of an activation, which is about 1e-5
            of its standard deviation between prompts; bfloat16 has 8 binary digits, and leaves a tenth.
    """
    groups = list(members_of(prompt))
    means = np.stack([readings[members].mean(axis=0, dtype=np.float64) for members in groups])
    spreads = np.stack([np.ptp(readings[members].astype(np.float64), axis=0) for members in groups])
    distinct = max(len(np.unique(readings[members], axis=0)) for members in groups)
    between = means.std(axis=0)
    varies = between > 1e-6 * np.abs(means).max(axis=0)
    if not varies.any():
        return Sharing(None, distinct, tolerance)
    relative = spreads[:, varies] / between[varies]
    return Sharing(float(np.sqrt((relative**2).mean(axis=1)).max()), distinct, tolerance)


def averaged(readings: NDArray[Any], prompt: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean reading of each response's prompt: float64 [responses, features]."""
    found = np.empty(readings.shape)
    for members in members_of(prompt):
        found[members] = readings[members].mean(axis=0, dtype=np.float64)
    return found
