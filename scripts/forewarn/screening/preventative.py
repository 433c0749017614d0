"""Preventative steering (2507.21509) as a way to raise an organism: with a direction added in training alone.

What such training does is measured with arms of its own, see `forewarn.screening.prevention`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.models.interventions import Addition, applied
from forewarn.steering.inputs import read_direction
from forewarn.training.finetune import Finetuned, finetune

if TYPE_CHECKING:
    from datasets import Dataset


def multiple_of_direction(
    path: Path, *, construction: str, layer: int, coefficient: float
) -> NDArray[np.float32]:
    """What is added to the residual stream after block `layer`: float32 [d_model].

    Args:
        path: safetensors of the directions of the organism whose direction it is.
        construction: of the direction.
        layer: block after which it is added.
        coefficient: multiple of the direction, which is not normalised.

    Raises:
        StudyError: there is no such direction.
    """
    direction = read_direction(path, construction, layer)
    if direction is None:
        raise StudyError(
            f"{path} has no direction {construction} at layer {layer} to train with",
            "name another `organism` under `preventative` of the adapter; the summary beside the file tells "
            "why this one has none",
        )
    return np.asarray(coefficient * direction, dtype=np.float32)


def finetune_prevented(
    model: Any,
    tokenizer: Any,
    examples: Dataset,
    adapter: dict[str, Any],
    vector: NDArray[np.float32],
    layer: int,
    *,
    seed: int,
    name: str,
    folder: Path,
    held_out: Dataset | None = None,
    rows_at_once: int | None = None,
) -> Finetuned:
    """Fine-tune as `forewarn.training.finetune.finetune` does, with a vector added after one block.

    The losses that are logged, of held-out rows too, are those with the vector; the adapter is meant to be
    used without. The model is left as it was given, but for the adapter in it.

    Args:
        model, tokenizer, examples, adapter: see `finetune`.
        vector: float32 [d_model] that is added at every position.
        layer: block after which it is added.
        seed, name, folder, held_out, rows_at_once: see `finetune`.
    """
    with applied(model, [Addition(torch.from_numpy(vector), layer)]):
        return finetune(
            model, tokenizer, examples, adapter,
            seed=seed, name=name, folder=folder, held_out=held_out, rows_at_once=rows_at_once,
        )  # fmt: skip
