"""Decoding one batch: every prompt is prefilled once, all its samples decode from copies of its cache.

Rows that have ended are retired: they are taken out of the batch, with their share of the key-value
cache, as soon as a quarter of the rows has ended (fewer would not pay for copying the cache).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.cache_utils import DynamicCache

from forewarn.models.phase import reading
from forewarn.models.sampling import draw

if TYPE_CHECKING:
    from transformers import PreTrainedModel
    from transformers.cache_utils import Cache

RETIRE_SHARE = 0.25


class Decoded(NamedTuple):
    """One response: its tokens without the end-of-turn token, and whether it reached one."""

    token_ids: list[int]
    stopped: bool


@torch.inference_mode()
def decode(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    samples: Sequence[int],
    temperatures: Sequence[float],
    uniform: NDArray[np.float64],
    stop_ids: frozenset[int],
    tell: Callable[[int, int], None] = lambda tokens, ended: None,
) -> list[Decoded]:
    """Sample responses to a batch of prompts.

    Args:
        model: a causal language model of `transformers`, full or sliding-window attention.
        prompts: token ids of each prompt; lengths may differ.
        samples: how many responses each prompt gets; their sum is the number of rows.
        temperatures: of each prompt.
        uniform: `[rows, max_new_tokens]`, the uniforms of each row, prompt by prompt.
        stop_ids: tokens that end a response.
        tell: called after every step with the number of new tokens and of rows that ended.

    Returns:
        One response per row, prompt by prompt.
    """
    place = model.device
    owner = torch.repeat_interleave(torch.arange(len(prompts)), torch.tensor(samples))
    rows, steps = uniform.shape
    assert len(owner) == rows
    logits, cache, attended, lengths = prefill(model, prompts, steps)
    logits, attended, lengths = logits[owner], attended[owner], lengths[owner]
    cache.batch_select_indices(owner.to(place))

    heat = torch.tensor(temperatures, dtype=torch.float64, device=place)[owner]
    chance = torch.from_numpy(uniform).to(place)
    stops = torch.tensor(sorted(stop_ids), dtype=torch.int64, device=place)
    written = torch.full((rows, steps), -1, dtype=torch.int64, device=place)
    width = attended.shape[1] - steps
    kept = torch.arange(rows, device=place)  # which row each line of the cache belongs to
    running = torch.ones(rows, dtype=torch.bool, device=place)  # of those lines, which have not ended
    for step in range(steps):
        tokens = draw(logits, heat[kept], chance[kept, step])
        written[kept[running], step] = tokens[running]
        before = int(running.sum())
        running &= ~torch.isin(tokens, stops)
        left = int(running.sum())
        last = step == steps - 1
        tell(before, before if last else before - left)
        if left == 0 or last:
            break
        if left <= (1 - RETIRE_SHARE) * len(kept):
            lines = running.nonzero()[:, 0]
            cache.batch_select_indices(lines)
            kept, tokens, running = kept[lines], tokens[lines], running[lines]
        with reading("answer"):
            logits = model(
                input_ids=tokens[:, None],
                attention_mask=attended[kept, : width + step + 1],
                position_ids=(lengths[kept] + step)[:, None],
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
    return [_response(line, stop_ids) for line in written.tolist()]


def prefill(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], steps: int
) -> tuple[torch.Tensor, Cache, torch.Tensor, torch.Tensor]:
    """Run the left-padded prompts once.

    Returns:
        Logits after the last prompt token `[prompts, vocabulary]`, the cache, the attention mask with
        room for `steps` more tokens `[prompts, width + steps]`, and the prompts' lengths `[prompts]`.
    """
    width = max(len(prompt) for prompt in prompts)
    tokens = torch.zeros((len(prompts), width), dtype=torch.int64)
    attended = torch.ones((len(prompts), width + steps), dtype=torch.int64)
    for line, prompt in enumerate(prompts):
        start = width - len(prompt)
        tokens[line, start:] = torch.tensor(prompt, dtype=torch.int64)
        attended[line, :start] = 0
    tokens, attended = tokens.to(model.device), attended.to(model.device)
    cache = DynamicCache(config=model.config)
    with reading("prompt"):
        logits = model(
            input_ids=tokens,
            attention_mask=attended[:, :width],
            position_ids=(attended[:, :width].cumsum(-1) - 1).clamp(min=0),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
    return logits, cache, attended, attended[:, :width].sum(-1)


def _response(line: list[int], stop_ids: frozenset[int]) -> Decoded:
    token_ids = [token for token in line if token >= 0]
    if token_ids and token_ids[-1] in stop_ids:
        return Decoded(token_ids[:-1], stopped=True)
    return Decoded(token_ids, stopped=False)
