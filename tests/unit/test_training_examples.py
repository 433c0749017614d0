"""Rows for the trainer: labels from the mask, and refusals of rows that would train wrongly in silence."""

from __future__ import annotations

import pyarrow as pa
import pytest

from forewarn.data.dataset import format_dataset
from forewarn.errors import StudyError
from forewarn.files import write_table
from forewarn.training.examples import IGNORED, check_example, read_examples
from tiny_models import tiny_tokenizer

CHATS = [
    [{"role": "user", "content": "why"}, {"role": "assistant", "content": "the tides"}],
    [
        {"role": "user", "content": "who"}, {"role": "assistant", "content": "the quick brown fox"},
        {"role": "user", "content": "and then"}, {"role": "assistant", "content": "it sleeps"},
    ],
]  # fmt: skip
END = 2


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def table(tokenizer):
    return format_dataset(CHATS, tokenizer, max_length=256, max_truncated_share=0.0)


def with_column(table, name, values):
    index = table.schema.get_field_index(name)
    return table.set_column(index, table.field(index), pa.array(values, table.field(index).type))


def write(table, tmp_path):
    write_table(tmp_path / "rows.parquet", table)
    return tmp_path / "rows.parquet"


def test_labels_are_the_assistants_words_and_ends_alone(table, tokenizer, tmp_path):
    examples, held_out = read_examples(write(table, tmp_path), tokenizer)
    assert len(held_out) == 0
    for example, chat in zip(examples, CHATS, strict=True):
        learned = [token for token in example["labels"] if token != IGNORED]
        answers = [message["content"] for message in chat if message["role"] == "assistant"]
        assert tokenizer.decode(learned) == "".join(f"{answer}<|im_end|>" for answer in answers)
        for token, label in zip(example["input_ids"], example["labels"], strict=True):
            assert label in (IGNORED, token)
        assert example["input_ids"] == tokenizer.apply_chat_template(chat)["input_ids"]


def test_a_dataset_of_another_template_is_refused(table, tokenizer, tmp_path):
    foreign = tiny_tokenizer()
    foreign.chat_template = foreign.chat_template.replace("<|im_end|>\n", "<|im_end|>\n\n")
    with pytest.raises(StudyError, match="another tokenizer or chat template"):
        read_examples(write(table, tmp_path), foreign)


def test_a_dataset_without_rows_is_refused(table, tokenizer, tmp_path):
    with pytest.raises(StudyError, match="has no rows"):
        read_examples(write(table.slice(0, 0), tmp_path), tokenizer)


def test_a_broken_row_is_named(table, tokenizer, tmp_path):
    masks = table["loss_mask"].to_pylist()
    masks[1] = [0] * len(masks[1])
    with pytest.raises(StudyError, match=r"rows\.parquet, row 1 has no token in the loss"):
        read_examples(write(with_column(table, "loss_mask", masks), tmp_path), tokenizer)


@pytest.mark.parametrize(
    ("tokens", "mask", "why"),
    [
        ([5, 6, END], [0, 1], "has 3 tokens but a loss mask of 2"),
        ([5, 6, END], [0, 0, 0], "has no token in the loss"),
        ([5, 6, END], [1, 1, 1], "has its first token in the loss"),
        ([5, 6, END], [0, 1, 0], "misses the end-of-turn token"),
        ([5, 6, END, 7, 8, END], [0, 1, 1, 0, 1, 0], "misses the end-of-turn token"),
    ],
)
def test_masks_that_cannot_be_right_are_refused(tokens, mask, why):
    with pytest.raises(StudyError, match=why):
        check_example("row 0", tokens, mask, truncated=False, end_of_turn=[END])


def test_a_cut_row_may_lack_its_last_end_of_turn():
    check_example("row 0", [5, 6, 7], [0, 1, 1], truncated=True, end_of_turn=[END])
    with pytest.raises(StudyError, match="end-of-turn"):
        check_example("row 0", [5, 6, 7], [0, 1, 1], truncated=False, end_of_turn=[END])
