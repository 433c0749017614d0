"""The names of a rebound's arms: rows of the first data, then rows of the opposite, and by which seed."""

from __future__ import annotations

import re
from typing import NamedTuple

from forewarn.errors import StudyError

INSTRUCT = "instruct"
"""Subject of the arm that everything should return to."""
_ARM = re.compile(r"n(\d+)_k(\d+)_seed(\d+)")


class Place(NamedTuple):
    """A point of a rebound.

    Attributes:
        n: rows that the organism had seen when the pushing began.
        k: rows of the opposite data since then.
        seed: of the order of these rows.
    """

    n: int
    k: int
    seed: int

    @property
    def name(self) -> str:
        """E.g. `n00320_k00016_seed0`."""
        return f"n{self.n:05d}_k{self.k:05d}_seed{self.seed}"


def place_of(name: str) -> Place:
    """The point that an arm's name means.

    Raises:
        ValueError: it is no such name.
    """
    match = _ARM.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} names no point of a rebound")
    return Place(*map(int, match.groups()))


def steps_of(rows: list[int], batch: int) -> list[int]:
    """Optimiser steps after which so many rows were seen.

    Raises:
        StudyError: a number of rows is no multiple of the batch.
    """
    if odd := [each for each in rows if each % batch]:
        raise StudyError(
            f"{odd[0]} rows are no whole number of optimiser steps of {batch} rows",
            f"set `rows` of elasticity to multiples of {batch}: batch_size times gradient_accumulation of "
            "the adapter",
        )
    return [each // batch for each in rows]
