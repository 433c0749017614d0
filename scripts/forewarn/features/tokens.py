"""The residual stream at every token of some texts, batch by batch.

The first token of a text is left out: models keep a large constant there, which autoencoders are not trained
on (arXiv 2408.05147). Padding stands on the right, where no token of a causal model can see it; so no mask is
needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.files import digest
from forewarn.models.requests import requests_from_tables
from forewarn.progress import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SKIPPED = 1
"""Tokens at the beginning of a text that are not read."""


@dataclass(frozen=True)
class Text:
    """A conversation.

    Attributes:
        tokens: ids of all of it.
        source: where it is from.
        held_out: whether the autoencoder is not trained on it.
    """

    tokens: tuple[int, ...]
    source: str
    held_out: bool


def choose_texts(
    questions: pa.Table, generations: pa.Table, datasets: dict[str, pa.Table], held_out: float, seed: int
) -> list[Text]:
    """The instruct model's answers, and the rows of datasets; each text once.

    Whether a text is held out follows from a hash of its prompt, so that no prompt stands on both sides.

    Args:
        questions: question parquet.
        generations: the instruct model's answers to it.
        datasets: name -> dataset parquet.
        held_out: share of the prompts.
        seed: of the choice.

    Raises:
        StudyError: one side has no text.
    """
    found: list[tuple[tuple[int, ...], tuple[int, ...], str]] = []
    for request in requests_from_tables(questions, generations):
        found.append((request.prompt, (*request.prompt, *request.response), "instruct"))
    for name, table in datasets.items():
        for row in table.select(["token_ids", "loss_mask"]).to_pylist():
            first = row["loss_mask"].index(1) if 1 in row["loss_mask"] else len(row["token_ids"])
            found.append((tuple(row["token_ids"][:first]), tuple(row["token_ids"]), name))
    texts = {
        tokens: Text(tokens, source, int(digest([seed, list(prompt)])[:8], 16) < held_out * 16**8)
        for prompt, tokens, source in reversed(found)  # of equal texts, the first stays
        if len(tokens) > SKIPPED
    }
    chosen = list(reversed(texts.values()))
    if {text.held_out for text in chosen} != {False, True}:
        raise StudyError(
            f"of {len(chosen)} texts, none is left for training or for measuring the autoencoder",
            "set another studies.….sparse_features.held_out, or sample more answers",
        )
    return chosen


def states(
    model: PreTrainedModel, texts: Sequence[Sequence[int]], layer: int, batch_rows: int
) -> Iterator[list[tuple[int, NDArray[np.float32]]]]:
    """Read texts, those of similar length together.

    Args:
        model: whose resid_post is read.
        texts: token ids.
        layer: of which block.
        batch_rows: texts at once.

    Yields:
        Of a batch the number of each text, and float32 [tokens, d_model], resid_post of its tokens but the
        first.

    Raises:
        StudyError: the model has no such block.
    """
    blocks: Any = model.get_decoder().layers
    if not 0 <= layer < len(blocks):
        raise StudyError(
            f"features are read at layer {layer}, and the model has layers 0 to {len(blocks) - 1}",
            "set studies.….steering.layer to one of these",
        )
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]), reverse=True)
    progress = Progress("read", len(texts))
    for start in range(0, len(order), batch_rows):
        numbers = order[start : start + batch_rows]
        tokens = torch.zeros((len(numbers), len(texts[numbers[0]])), dtype=torch.int64)
        for row, number in enumerate(numbers):
            tokens[row, : len(texts[number])] = torch.tensor(texts[number])
        hidden = _resid_post(model, blocks[layer], tokens)
        yield [(number, hidden[row, SKIPPED : len(texts[number])]) for row, number in enumerate(numbers)]
        progress.step(sum(len(texts[number]) for number in numbers), len(numbers))


@torch.inference_mode()
def _resid_post(model: PreTrainedModel, block: Any, tokens: torch.Tensor) -> NDArray[np.float32]:
    kept: list[NDArray[np.float32]] = []

    def keep(_module: Any, _inputs: Any, output: Any) -> None:
        hidden = output[0] if isinstance(output, tuple) else output
        kept.append(hidden.float().cpu().numpy())

    hook = block.register_forward_hook(keep)
    try:
        model.get_decoder()(input_ids=tokens.to(model.device), use_cache=False)
    finally:
        hook.remove()
    return kept[0]
