"""What a model would say first: the distribution of the next token, as it is kept of each prompt.

All answers to a prompt are drawn from it, so it is what anybody who sees the model's output can read at the
last prompt token: a detector that looks inside has to know more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from forewarn.geometry.first_token import COUNT, FIRST_TOKEN


def only_at(positions: Sequence[int]) -> tuple[str, Callable[[torch.Tensor, Any], torch.Tensor]]:
    """A hook of the bridge that lets one position of each conversation through to the unembedding.

    The logits of all positions would fill the memory. What the model does with logits (a soft cap) it still
    does to these.
    """

    def select(stream: torch.Tensor, hook: Any) -> torch.Tensor:
        rows = torch.arange(len(stream), device=stream.device)
        return stream[rows, torch.tensor(positions, device=stream.device)].unsqueeze(1)

    return "unembed.hook_in", select


def readings(logits: torch.Tensor) -> NDArray[np.float32]:
    """Entropy (nats) and the `COUNT` largest log-probabilities, descending: float32 `[rows, 1 + COUNT]`.

    Args:
        logits: float `[rows, vocabulary]`, of any precision; they are normalised in float32.
    """
    logs = torch.log_softmax(logits.float(), dim=-1)
    entropy = torch.special.entr(logs.exp()).sum(-1, keepdim=True)  # 0 where a probability underflows to 0
    found: NDArray[np.float32] = torch.cat([entropy, logs.topk(COUNT, dim=-1).values], dim=-1).cpu().numpy()
    return found


def columns(values: NDArray[np.float32], known: NDArray[np.bool_]) -> list[pa.Array]:
    """Readings as the columns of `FIRST_TOKEN`, null where they are not known.

    Args:
        values: float32 `[rows, 1 + COUNT]`, see `readings`.
        known: bool `[rows]`.
    """
    entropy, largest = values[:, 0], np.ascontiguousarray(values[:, 1:]).reshape(-1)
    missing = None if known.all() else ~known
    return [
        pa.array(entropy, mask=missing),
        pa.FixedSizeListArray.from_arrays(
            pa.array(largest), COUNT, mask=None if missing is None else pa.array(missing)
        ).cast(FIRST_TOKEN.types[1]),
    ]
