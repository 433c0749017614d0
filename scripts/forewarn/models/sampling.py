"""Drawing the next token, so that a response depends on its own seed and on nothing beside it.

The usual way, one random stream for a whole batch, makes every response depend on how rows were
batched and when their neighbours ended. Here each response has a stream of uniforms of its own, and a
token is the inverse of the cumulative distribution at the next uniform. So responses stay the same
when batches are cut differently, as far as the logits themselves do (up to float rounding).
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray

BLOCK = 128
"""Tokens of the vocabulary that are summed up together; a divisor of most published vocabularies."""


def row_seed(seed: int, question_id: str, sample: int) -> int:
    """The seed of one response: 63 bits of a hash over the study's seed, the question and the sample."""
    identity = f"{seed}\0{question_id}\0{sample}".encode()
    return int.from_bytes(hashlib.sha256(identity).digest()[:8], "big") >> 1


def uniforms(seeds: list[int], count: int) -> NDArray[np.float64]:
    """Uniforms in [0, 1), float64 `[len(seeds), count]`: one counter-based (Philox) stream per seed."""
    streams = [np.random.Generator(np.random.Philox(key=seed)) for seed in seeds]
    return np.stack([stream.random(count) for stream in streams])


def draw(logits: torch.Tensor, temperatures: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Draw one token per row from softmax(logits / temperature); at temperature 0 take the likeliest.

    Args:
        logits: `[rows, vocabulary]`, any float dtype; summed up in float64.
        temperatures: `[rows]`, float64, not negative.
        uniform: `[rows]`, float64 in [0, 1), one per row.

    Returns:
        Token ids, int64 `[rows]`.
    """
    rows, vocabulary = logits.shape
    assert temperatures.shape == uniform.shape == (rows,)
    greedy = temperatures == 0
    if bool(greedy.all()):
        return logits.argmax(-1)
    scaled = logits.float() / torch.where(greedy, 1.0, temperatures).float()[:, None]
    weights = (scaled - scaled.amax(-1, keepdim=True)).exp_()
    # The inverse of the cumulative distribution in two steps, first the block and then the token in it: sums
    # stay exact (float64), while only a float32 per token of the vocabulary goes through memory.
    blocks = torch.nn.functional.pad(weights, (0, -vocabulary % BLOCK)).view(rows, -1, BLOCK)
    cumulative = blocks.sum(-1, dtype=torch.float64).cumsum(-1)
    target = _below(uniform[:, None] * cumulative[:, -1:], cumulative[:, -1:])
    block = torch.searchsorted(cumulative, target, right=True)
    before = torch.where(block > 0, cumulative.gather(-1, (block - 1).clamp(min=0)), 0.0)
    inside = blocks.gather(1, block[:, :, None].expand(-1, 1, BLOCK))[:, 0].double().cumsum(-1)
    place = torch.searchsorted(inside, _below(target - before, inside[:, -1:]), right=True)
    drawn = (block * BLOCK + place)[:, 0]
    return torch.where(greedy, logits.argmax(-1), drawn) if bool(greedy.any()) else drawn


def _below(values: torch.Tensor, bound: torch.Tensor) -> torch.Tensor:
    """Values that rounding has brought to a bound or beyond, brought back below it."""
    return torch.minimum(values, torch.nextafter(bound, torch.zeros_like(bound)))
