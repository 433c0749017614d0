"""Fine-tuning rows as the trainer sees them: token ids, and labels that say where the loss is.

Tokens and loss mask were fixed, and checked against the conversations, when the dataset was made. What is
checked again is what would spoil a training run without a sign of it, should the file be of another model
or come from elsewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pyarrow as pa

from forewarn.chat.guards import check_answers_end
from forewarn.chat.template import DefaultSystem, end_of_turn_ids, fingerprint
from forewarn.errors import StudyError
from forewarn.statistics.tables import read_columns

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of a token without loss, as torch's cross-entropy has it."""

COLUMNS = pa.schema(
    [
        pa.field("token_ids", pa.list_(pa.int32()), nullable=False),
        pa.field("loss_mask", pa.list_(pa.int8()), nullable=False),
        pa.field("truncated", pa.bool_(), nullable=False),
        pa.field("held_out", pa.bool_(), nullable=False),
        pa.field("template", pa.string(), nullable=False),
    ]
)
"""What training needs of a dataset file (see `forewarn.data.dataset.SCHEMA`)."""


def read_examples(path: Path, tokenizer: PreTrainedTokenizerBase) -> tuple[Dataset, Dataset]:
    """Read a dataset file as `input_ids` and `labels` (the token id where the loss is, -100 elsewhere).

    Returns:
        The rows to train on, and those that are held out.

    Raises:
        StudyError: the file cannot be read or has no rows, it was formatted with another tokenizer or chat
            template than `tokenizer`'s, or a row cannot be trained on (see `check_example`).
    """
    from datasets import Dataset

    table = read_columns(path, COLUMNS).to_pydict()
    if not table["token_ids"]:
        raise StudyError(f"{path} has no rows", "make the dataset again, with at least one row")
    known = {fingerprint(tokenizer, default_system=policy) for policy in get_args(DefaultSystem)}
    if not known.issuperset(table["template"]):
        raise StudyError(
            f"{path} was formatted with another tokenizer or chat template than this model's",
            "delete the file and run again, so that it is formatted for this model",
        )
    end_of_turn = end_of_turn_ids(tokenizer)
    parts: dict[bool, dict[str, list[list[int]]]] = {
        held_out: {"input_ids": [], "labels": []} for held_out in (False, True)
    }
    columns = (table[name] for name in ("token_ids", "loss_mask", "truncated", "held_out"))
    for row, (tokens, mask, truncated, held_out) in enumerate(zip(*columns, strict=True)):
        check_example(f"{path}, row {row}", tokens, mask, truncated, end_of_turn)
        labels = [token if in_loss else IGNORED for token, in_loss in zip(tokens, mask, strict=True)]
        parts[held_out]["input_ids"].append(tokens)
        parts[held_out]["labels"].append(labels)
    if not parts[False]["input_ids"]:
        raise StudyError(f"{path} holds out all of its rows", "lower `held_out` of the dataset")
    return Dataset.from_dict(parts[False]), Dataset.from_dict(parts[True])


def check_example(
    name: str, tokens: list[int], mask: list[int], truncated: bool, end_of_turn: list[int]
) -> None:
    """Refuse a row whose loss mask cannot be right.

    Raises:
        StudyError: mask and tokens differ in length; no token is in the loss; the first token is (nothing
            precedes it, so the mask covers the prompt or is shifted); or an answer lacks its end of turn,
            without which the model would not learn to stop. The last answer of a truncated row may.
    """
    wrong = None
    if len(tokens) != len(mask):
        wrong = f"has {len(tokens)} tokens but a loss mask of {len(mask)}"
    elif not any(mask):
        wrong = "has no token in the loss"
    elif mask[0]:
        wrong = "has its first token in the loss, which no token precedes"
    if wrong:
        raise StudyError(f"{name} {wrong}", "delete the file and run again, so that it is made anew")
    if not truncated:
        check_answers_end(tokens, mask, end_of_turn, where=name)
