"""Interventions on the residual stream while a model runs: adding a vector, projecting a direction out.

They act through forward hooks of the plain `transformers` model, at every position of every forward
pass, so that they work the same under prefill, cached decoding and training-free evaluation. Those at the
prompt alone spare the passes that read the answer (see `forewarn.models.phase`); what they did to the
prompt stays in the cache, where the answer attends to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from forewarn.models.phase import Positions, reads_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedModel

EMBEDDING = -1  # the site before block 0; site i >= 0 is resid_post of block i


@dataclass(frozen=True)
class Addition:
    """Add `coefficient * vector` to resid_post of block `layer` (2506.11618: at all positions).

    Attributes:
        vector: `[d_model]`, not normalised: coefficient 1 adds it as it is, a negative one subtracts.
        layer: the block after which it is added.
        coefficient: the steering coefficient.
        positions: where it acts.
    """

    vector: torch.Tensor
    layer: int
    coefficient: float = 1.0
    positions: Positions = "all"

    def sites(self, n_layers: int) -> list[int]:
        """Where it acts."""
        return [_block(self.layer, n_layers)]

    def edit(self, site: int, hidden: torch.Tensor) -> torch.Tensor:
        """The residual stream `[..., d_model]` (float32 or wider) after the intervention."""
        return hidden + self.coefficient * self.vector.to(hidden)

    def on(self, device: torch.device) -> Addition:
        """The same with its tensor on a device, so that no step has to move it."""
        return replace(self, vector=self.vector.to(device))


@dataclass(frozen=True)
class Ablation:
    """Project a direction out of the residual stream, after the embedding and every block or after one block.

    x <- x - r (r . x) with r of unit norm (2406.11717 and 2506.11618: everywhere, at all positions). With
    `mean` it is affine: the component along r is set to that of the mean of its block instead of zero, and
    the embedding output, which has no mean, is left alone.

    Attributes:
        direction: `[d_model]`, of any nonzero norm.
        mean: `[n_layers, d_model]`, mean resid_post of every block, or None.
        layer: the only block after which it is projected out; None for everywhere.
        positions: where it acts.
    """

    direction: torch.Tensor
    mean: torch.Tensor | None = None
    layer: int | None = None
    positions: Positions = "all"

    def __post_init__(self) -> None:
        """Refuse a direction that has none."""
        if not bool(torch.isfinite(self.direction).all()) or not bool(self.direction.any()):
            raise ValueError("the direction to ablate is zero or not finite")

    def sites(self, n_layers: int) -> list[int]:
        """Where it acts."""
        assert self.mean is None or self.mean.shape == (n_layers, *self.direction.shape)
        if self.layer is not None:
            return [_block(self.layer, n_layers)]
        return [*([EMBEDDING] if self.mean is None else []), *range(n_layers)]

    def edit(self, site: int, hidden: torch.Tensor) -> torch.Tensor:
        """The residual stream `[..., d_model]` (float32 or wider) after the intervention."""
        unit = (self.direction.double() / self.direction.double().norm()).to(hidden)
        component = hidden @ unit
        if self.mean is not None:
            component = component - self.mean[site].to(hidden) @ unit
        edited: torch.Tensor = hidden - component[..., None] * unit
        return edited

    def on(self, device: torch.device) -> Ablation:
        """The same with its tensors on a device, so that no step has to move them."""
        mean = None if self.mean is None else self.mean.to(device)
        return replace(self, direction=self.direction.to(device), mean=mean)


Intervention = Addition | Ablation


def _block(layer: int, n_layers: int) -> int:
    if not 0 <= layer < n_layers:
        raise ValueError(f"layer {layer} of a model with {n_layers} blocks")
    return layer


@contextmanager
def applied(model: PreTrainedModel, interventions: Sequence[Intervention]) -> Iterator[None]:
    """Apply interventions to a model within the block; several at one place act in the given order.

    They are computed in float32 at least and rounded once to the model's dtype. The padding of a batch is
    edited like any other position of its pass; no token attends to it.

    Args:
        model: a decoder-only model of `transformers`.
        interventions: see `Addition` and `Ablation`; an empty sequence changes nothing.

    Raises:
        ValueError: a layer that the model does not have, or a vector of another width.
        RuntimeError: from a forward pass, with an intervention at the prompt alone, of which nobody has said
            whether it reads the prompt; `forewarn.models.decoding.decode` does.
    """
    decoder = model.get_decoder()
    blocks = decoder.layers
    width = decoder.config.get_text_config().hidden_size
    planned: dict[int, list[Intervention]] = {}
    for intervention in interventions:
        vector = intervention.vector if isinstance(intervention, Addition) else intervention.direction
        if vector.shape != (width,):
            raise ValueError(f"a vector of shape {tuple(vector.shape)} for a model of width {width}")
        for site in intervention.sites(len(blocks)):
            planned.setdefault(site, []).append(intervention.on(model.device))
    with ExitStack() as hooks:
        for site, here in planned.items():
            module = model.get_input_embeddings() if site == EMBEDDING else blocks[site]
            hooks.callback(module.register_forward_hook(_hook(site, here)).remove)
        yield


def _hook(site: int, interventions: list[Intervention]) -> Callable[[Any, Any, Any], Any]:
    def edit(_module: Any, _inputs: Any, output: Any) -> Any:
        present = [each for each in interventions if each.positions == "all" or reads_prompt()]
        if not present:
            return output
        before = output[0] if isinstance(output, tuple) else output
        hidden = before.to(torch.promote_types(before.dtype, torch.float32))
        for intervention in present:
            hidden = intervention.edit(site, hidden)
        after = hidden.to(before.dtype)
        return (after, *output[1:]) if isinstance(output, tuple) else after

    return edit
