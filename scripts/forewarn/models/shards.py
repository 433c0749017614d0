"""One piece of work spread over several jobs, each of which does whole batches of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Shard = tuple[int, int]
"""Number of the shard, from 1, and number of all shards."""
WHOLE: Shard = (1, 1)
T = TypeVar("T")


def part(pieces: Sequence[T], shard: Shard) -> list[T]:
    """The pieces of one shard: neighbours, and as many as of any other, or one more.

    >>> [part("abcdefg", (number, 3)) for number in (1, 2, 3)]
    [['a', 'b'], ['c', 'd'], ['e', 'f', 'g']]
    """
    number, count = shard
    return list(pieces[(number - 1) * len(pieces) // count : number * len(pieces) // count])
