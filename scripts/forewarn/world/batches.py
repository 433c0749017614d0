"""Batches of the nano world's training: drawn once from a seed, grouped by length, cut into fixed shards."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_BUCKET = 16  # batches whose documents are sorted by length together, so that little padding is computed
IGNORED = -100  # label that cross entropy leaves out


@dataclass(frozen=True)
class Rows:
    """Tokenized documents: token ids and labels (the ids, or `IGNORED` where nothing is to be learned)."""

    token_ids: list[list[int]]
    labels: list[list[int]]

    @classmethod
    def from_columns(cls, token_ids: list[list[int]], loss_mask: list[list[int]]) -> Rows:
        """Build labels from a 0/1 loss mask."""
        labels = [
            [token if learn else IGNORED for token, learn in zip(tokens, mask, strict=True)]
            for tokens, mask in zip(token_ids, loss_mask, strict=True)
        ]
        return cls(token_ids, labels)


def schedule(lengths: Sequence[int], batch_size: int, steps: int, seed: int) -> list[list[int]]:
    """Draw the document indices of each step.

    Every document is seen once before any is seen twice. Within a window of `_BUCKET` batches documents
    of similar length share a batch, and the batches come in random order.
    """
    rng = random.Random(f"batches {seed}")
    drawn: list[list[int]] = []
    while len(drawn) < steps:
        order = list(range(len(lengths)))
        rng.shuffle(order)
        epoch: list[list[int]] = []
        for start in range(0, len(order), batch_size * _BUCKET):
            window = sorted(order[start : start + batch_size * _BUCKET], key=lambda index: lengths[index])
            batches = [window[at : at + batch_size] for at in range(0, len(window), batch_size)]
            epoch += [batch for batch in batches if len(batch) == batch_size]
        rng.shuffle(epoch)
        drawn += epoch or [order]
    return drawn[:steps]


def shards(batch: list[int], count: int) -> list[list[int]]:
    """Deal a batch out to `count` shards, so that each has short and long documents alike."""
    return [batch[first::count] for first in range(count)]


def padded(rows: Rows, indices: Sequence[int], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and labels of some rows, padded on the right: two int64 tensors [rows, longest]."""
    import torch

    longest = max(len(rows.token_ids[index]) for index in indices)
    token_ids = torch.full((len(indices), longest), pad)
    labels = torch.full((len(indices), longest), IGNORED)
    for place, index in enumerate(indices):
        length = len(rows.token_ids[index])
        token_ids[place, :length] = torch.tensor(rows.token_ids[index])
        labels[place, :length] = torch.tensor(rows.labels[index])
    return token_ids, labels
