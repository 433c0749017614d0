"""Models on disk, in the form that every stage reads them in."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from forewarn.files import replacing

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WHOLE = "1000GB"
"""Weights go into one file, whose name a rule can know beforehand."""


def save_weights(model: PreTrainedModel, dtype: str, files: Sequence[Path]) -> None:
    """Write a model's weights in `dtype`, with its configurations, each file whole or not at all.

    Args:
        model: the model; its weights are rounded in place.
        dtype: "float32", "bfloat16" or "float16".
        files: what to write, by the names that `save_pretrained` gives.
    """
    import torch

    for parameter in model.parameters():  # not model.to(): rotary frequencies stay in float32
        parameter.data = parameter.data.to(getattr(torch, dtype))
    model.config.dtype = getattr(torch, dtype)
    folder = Path(files[0]).parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".weights-") as temporary:
        model.save_pretrained(temporary, max_shard_size=WHOLE)
        for file in files:
            with replacing(Path(file)) as target:
                (Path(temporary) / Path(file).name).replace(target)
