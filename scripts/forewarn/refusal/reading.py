"""One pass over prompts: what the model would say first, and its residual stream behind the instruction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from forewarn.models.decoding import prefill
from forewarn.models.interventions import Intervention, applied

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Floats = NDArray[np.float64]
Prompts = Sequence[Sequence[int]]


@torch.inference_mode()
def log_probabilities(
    model: PreTrainedModel, prompts: Prompts, batch_rows: int, interventions: Sequence[Intervention] = ()
) -> torch.Tensor:
    """Log probabilities of the answer's first token, float32 [prompts, vocabulary], on the CPU.

    Args:
        model: as `load_model` gives it.
        prompts: token ids of each.
        batch_rows: prompts that are read together.
        interventions: what is done to the residual stream meanwhile.
    """
    with applied(model, interventions):
        batches = [
            prefill(model, prompts[start : start + batch_rows], 0)[0].float().log_softmax(-1).cpu()
            for start in range(0, len(prompts), batch_rows)
        ]
    return torch.cat(batches)


def refusal_scores(said: torch.Tensor, tokens: Sequence[int]) -> Floats:
    """Log odds that the answer begins with one of some tokens (2406.11717, section 2.3).

    Args:
        said: log probabilities [prompts, vocabulary].
        tokens: ids, each once.

    Returns:
        float64 [prompts]; natural logarithm.
    """
    chosen = torch.zeros(said.shape[1], dtype=torch.bool)
    chosen[list(tokens)] = True
    wide = said.double()
    odds: Floats = (wide[:, chosen].logsumexp(-1) - wide[:, ~chosen].logsumexp(-1)).numpy()
    return odds


def divergences(before: torch.Tensor, after: torch.Tensor) -> Floats:
    """KL divergence of what is said after an intervention from what was said before, in nats.

    Args:
        before: log probabilities [prompts, vocabulary]; the expectation is taken over these.
        after: the same, under the intervention.

    Returns:
        float64 [prompts].
    """
    p, q = before.double(), after.double()
    # 0 log 0 is 0, also where both are ruled out.
    terms = torch.where(p.exp() > 0, p.exp() * (p - q), torch.zeros_like(p))
    found: Floats = terms.sum(-1).numpy()
    return found


@torch.inference_mode()
def read_closing(
    model: PreTrainedModel, prompts: Prompts, positions: int, batch_rows: int
) -> NDArray[np.float32]:
    """resid_post of every block at the last tokens of each prompt.

    Args:
        model: as `load_model` gives it.
        prompts: token ids of each; all are longer than `positions`.
        positions: how many of the last tokens.
        batch_rows: prompts that are read together.

    Returns:
        float32 [prompts, positions, layers, d_model]; the last position is the last prompt token.
    """
    blocks = model.get_decoder().layers
    kept: list[list[NDArray[np.float32]]] = [[] for _ in blocks]

    def keeper(store: list[NDArray[np.float32]]) -> Any:
        def keep(_module: Any, _inputs: Any, output: Any) -> None:
            hidden = output[0] if isinstance(output, tuple) else output
            store.append(hidden[:, -positions:].float().cpu().numpy())  # padding stands on the left

        return keep

    hooks = [block.register_forward_hook(keeper(store)) for block, store in zip(blocks, kept, strict=True)]
    try:
        for start in range(0, len(prompts), batch_rows):
            prefill(model, prompts[start : start + batch_rows], 0)
    finally:
        for hook in hooks:
            hook.remove()
    return np.stack([np.concatenate(store) for store in kept], axis=2)
