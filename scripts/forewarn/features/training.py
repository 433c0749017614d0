"""Training a small sparse autoencoder: BatchTopK (arXiv 2412.06410), kept in JumpReLU form.

While it is trained, the largest `active` x rows activations of a batch count, so that a token may have more
features than another. Afterwards one threshold stands for that: the mean of the smallest activation that
counted in a batch. Features that have not counted for some time learn from what the others leave over (the
auxiliary loss of arXiv 2406.04093), so that few of them die.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.features.autoencoder import Autoencoder
from forewarn.progress import Progress

DEAD_STEPS = 200
"""Steps without an activation after which a feature learns from what is left over."""
AUXILIARY_WEIGHT = 1 / 32
"""As in 2406.04093."""
THRESHOLD_SHARE = 0.2
"""Share of the last steps whose smallest counted activations give the threshold."""


@dataclass(frozen=True)
class Training:
    """How it is trained.

    Attributes:
        features: how many.
        active: features per token, on average.
        steps: of Adam.
        batch_tokens: tokens of a step.
        learning_rate: of Adam; falls to 0 over the last fifth.
        seed: of weights and batches.
    """

    features: int
    active: int
    steps: int
    batch_tokens: int
    learning_rate: float
    seed: int


def train_autoencoder(vectors: NDArray[Any], how: Training) -> Autoencoder:
    """Train on activations.

    Args:
        vectors: float32 [tokens, d_model], as the model has them.
        how: to train.

    Returns:
        An autoencoder of the activations as they are; its decoder rows have norm 1.

    Raises:
        StudyError: there are too few tokens, or they do not vary.
    """
    if len(vectors) < how.batch_tokens:
        raise StudyError(
            f"there are {len(vectors)} tokens to train on, and a step takes {how.batch_tokens}",
            "lower studies.….sparse_features.batch_tokens, or sample more answers",
        )
    mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    scale = float(np.sqrt(((vectors - mean) ** 2).mean()))
    if not scale > 0:
        raise StudyError("the activations of all tokens are the same", "name another layer of steering")
    rows = torch.from_numpy((vectors - mean) / np.float32(scale))
    generator = torch.Generator().manual_seed(how.seed)
    width = rows.shape[1]
    decoder = torch.nn.functional.normalize(torch.randn(how.features, width, generator=generator), dim=1)
    encoder = decoder.T.clone()
    offset, centre = torch.zeros(how.features), torch.zeros(width)
    parameters = [each.requires_grad_() for each in (encoder, offset, decoder, centre)]
    optimizer = torch.optim.Adam(parameters, lr=how.learning_rate, betas=(0.9, 0.999))
    fall = max(1, how.steps // 5)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (how.steps - step) / fall))
    idle = torch.zeros(how.features, dtype=torch.int64)
    smallest: list[float] = []
    progress = Progress("train", how.steps)
    for step in range(how.steps):
        batch = rows[torch.randint(len(rows), (how.batch_tokens,), generator=generator)]
        before = torch.relu((batch - centre) @ encoder + offset)
        cut = before.detach().flatten().topk(min(how.active * len(batch), before.numel())).values[-1]
        kept = before * (before >= cut)
        rest = batch - kept @ decoder - centre
        loss = rest.square().mean() + AUXILIARY_WEIGHT * _auxiliary(before, rest.detach(), decoder, idle)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            decoder /= decoder.norm(dim=1, keepdim=True).clamp_min(1e-8)
            idle = torch.where((kept > 0).any(dim=0), 0, idle + 1)
        if step >= (1 - THRESHOLD_SHARE) * how.steps:
            smallest.append(float(cut))
        progress.step(len(batch))
    trained = [parameter.detach().numpy() for parameter in parameters]
    return _unscaled(trained, max(0.0, float(np.mean(smallest))), mean, scale)


def _auxiliary(
    before: torch.Tensor, rest: torch.Tensor, decoder: torch.Tensor, idle: torch.Tensor
) -> torch.Tensor:
    """How badly the features that have long been idle explain what the others leave over."""
    dead = torch.nonzero(idle > DEAD_STEPS).flatten()
    if not len(dead):
        return rest.new_zeros(())
    strongest = before[:, dead].topk(min(len(dead), max(1, rest.shape[1] // 2)), dim=1)
    activations = torch.zeros_like(before[:, dead]).scatter(1, strongest.indices, strongest.values)
    return (rest - activations @ decoder[dead]).square().mean() / rest.square().mean().clamp_min(1e-12)


def _unscaled(trained: list[NDArray[Any]], cut: float, mean: NDArray[Any], scale: float) -> Autoencoder:
    """The same for activations as they are: features come out `scale` times as large."""
    encoder, offset, decoder, centre = trained
    middle = mean + scale * centre
    return Autoencoder(
        W_enc=encoder.astype(np.float32),
        b_enc=(scale * offset - middle @ encoder).astype(np.float32),
        W_dec=decoder.astype(np.float32),
        b_dec=middle.astype(np.float32),
        threshold=np.full(len(offset), scale * cut, dtype=np.float32),
    )
