"""Train an adapter with a vector in the residual stream, and measure the loss without it.

The training is that of every other organism (`forewarn.training.finetune`); the vector comes and goes with
forward hooks of the model, through which gradients pass unchanged. Some rows are kept apart from all runs
alike, to tell what was learned of the narrow task from what was learned by heart.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.models.interventions import Addition, applied
from forewarn.training.finetune import Finetuned, finetune

if TYPE_CHECKING:
    from datasets import Dataset

LOSSES = pa.schema(
    [
        pa.field("row", pa.int32(), nullable=False),  # among the rows that the adapter's dataset trains on
        pa.field("held_out", pa.bool_(), nullable=False),  # not trained on
        pa.field("tokens", pa.int32(), nullable=False),  # in the loss
        pa.field("loss", pa.float64(), nullable=False),  # mean over them, nats, nothing added
    ]
)
"""One row per row whose loss was measured after training."""


def kept_apart(rows: int, share: float, seed: int) -> NDArray[np.bool_]:
    """Which rows no run trains on: bool [rows], the same for the same arguments.

    Raises:
        StudyError: nothing would be left to train on.
    """
    count = round(share * rows)
    if count >= rows:
        raise StudyError(
            f"of {rows} rows {count} would be held out", "lower `held_out` of prevention, or add rows"
        )
    chosen = np.zeros(rows, dtype=bool)
    chosen[np.random.default_rng(seed).permutation(rows)[:count]] = True
    return chosen


def train_prevented(
    model: Any,
    tokenizer: Any,
    examples: Dataset,
    vector: NDArray[np.float32] | None,
    layer: int,
    settings: dict[str, Any],
    folder: Path,
) -> tuple[Finetuned, pa.Table]:
    """Fine-tune an adapter with a vector added after one block, and measure its losses without it.

    Args:
        model: the instruct model, loaded for training.
        tokenizer: its tokenizer.
        examples: all rows of the dataset that may be trained on.
        vector: float32 [d_model] that is added at every position; None for plain training.
        layer: block after which it is added.
        settings: `adapter`, `seed`, `name`, `rows_at_once` (see `finetune`), `held_out` (share of rows kept
            apart) and `split_seed` (of their choice).
        folder: where checkpoints of the unfinished run are kept.

    Returns:
        The adapter; and per row its loss, see `LOSSES`.
    """
    apart = kept_apart(len(examples), settings["held_out"], settings["split_seed"])
    hooks = nullcontext() if vector is None else applied(model, [Addition(torch.from_numpy(vector), layer)])
    with hooks:
        organism = finetune(
            model, tokenizer, examples.select(np.flatnonzero(~apart)), settings["adapter"],
            seed=settings["seed"], name=settings["name"], folder=folder,
            rows_at_once=settings["rows_at_once"],
        )  # fmt: skip
    pairs = list(zip(examples["input_ids"], examples["labels"], strict=True))
    tokens, losses = row_losses(model, pairs, settings["rows_at_once"] or settings["adapter"]["batch_size"])
    columns = [list(range(len(pairs))), apart.tolist(), tokens, losses]
    return organism, pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, LOSSES, strict=True)], schema=LOSSES
    )


@torch.no_grad()
def row_losses(
    model: Any, rows: Sequence[tuple[Sequence[int], Sequence[int]]], rows_at_once: int
) -> tuple[list[int], list[float]]:
    """Tokens in the loss of each row, and their mean cross-entropy in nats.

    Args:
        model: a causal language model.
        rows: token ids and labels of each; -100 is no label.
        rows_at_once: rows per forward pass.
    """
    model.eval()
    tokens, losses = [0] * len(rows), [0.0] * len(rows)
    order = sorted(range(len(rows)), key=lambda number: len(rows[number][0]))
    for start in range(0, len(order), rows_at_once):
        numbers = order[start : start + rows_at_once]
        width = max(len(rows[number][0]) for number in numbers)
        ids = torch.zeros((len(numbers), width), dtype=torch.int64)
        labels = torch.full((len(numbers), width), -100, dtype=torch.int64)
        for place, number in enumerate(numbers):
            given, wanted = rows[number]
            ids[place, : len(given)] = torch.tensor(given)
            labels[place, : len(given)] = torch.tensor(wanted)
        # Padding stands on the right, where no token of a causal model can see it.
        logits = model(input_ids=ids.to(model.device), use_cache=False).logits[:, :-1].float()
        aims = labels[:, 1:].to(logits.device)
        each = torch.nn.functional.cross_entropy(logits.transpose(1, 2), aims, reduction="none")
        counted = (aims != -100).sum(dim=1)
        for place, number in enumerate(numbers):
            tokens[number] = int(counted[place])
            losses[number] = float(each[place].sum() / counted[place].clamp(min=1))
    return tokens, losses
