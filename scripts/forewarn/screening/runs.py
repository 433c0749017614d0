"""Training runs of an organism, with a direction added or a random one: their names, as in paths."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

NONE, DIRECTION = "none", "direction"
RANDOM = ("random_isotropic", "random_covariance")
_ARM = re.compile(r"(direction|random_isotropic|random_covariance)(?:_(\d{2}))?_x([0-9.]+)")
ARM_PATTERN = r"none|direction_x[0-9.]+|random_(?:isotropic|covariance)_\d{2}_x[0-9.]+"
"""What the name of a training run looks like, for paths."""


@dataclass(frozen=True)
class Prevented:
    """One training run.

    Attributes:
        kind: `none`, `direction`, `random_isotropic` or `random_covariance`.
        coefficient: multiple of the direction, 0 for `none`.
        number: which random direction; 0 for others.
    """

    kind: str
    coefficient: float = 0.0
    number: int = 0

    @property
    def name(self) -> str:
        """As in paths, e.g. `direction_x0.5` or `random_isotropic_00_x1`."""
        if self.kind == NONE:
            return NONE
        number = f"_{self.number:02d}" if self.kind in RANDOM else ""
        return f"{self.kind}{number}_x{self.coefficient:g}"


def run_of(name: str) -> Prevented:
    """The training run of a name.

    Raises:
        ValueError: it is no such name.
    """
    if name == NONE:
        return Prevented(NONE)
    match = _ARM.fullmatch(name)
    if match is None or (match[1] in RANDOM) != (match[2] is not None):
        raise ValueError(f"{name!r} names no training run")
    return Prevented(match[1], float(match[3]), int(match[2] or 0))


def runs_of(coefficients: Sequence[float], isotropic: int, covariance: int) -> list[Prevented]:
    """All training runs of an organism: without, then per multiple the direction and the random ones."""
    counts = dict(zip(RANDOM, (isotropic, covariance), strict=True))
    return [
        Prevented(NONE),
        *(
            run
            for coefficient in coefficients
            for run in (
                Prevented(DIRECTION, coefficient),
                *(
                    Prevented(kind, coefficient, number)
                    for kind, count in counts.items()
                    for number in range(count)
                ),
            )
        ),
    ]
