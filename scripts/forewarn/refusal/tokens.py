"""Tokens that the procedure reads: of the template behind an instruction, and those that begin answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from forewarn.chat.messages import Message
from forewarn.chat.template import encode_conversation
from forewarn.errors import StudyError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def opening_tokens(tokenizer: PreTrainedTokenizerFast, openings: Sequence[str]) -> list[int]:
    """The first token of an answer that begins with each opening, ascending, each once.

    It is taken from a rendered conversation: behind a header the same word may be another token.
    """
    found = set()
    for opening in openings:
        turns: list[Message] = [
            {"role": "user", "content": "request"},
            {"role": "assistant", "content": opening},
        ]
        encoded = encode_conversation(tokenizer, turns, default_system="keep")
        found.add(encoded.token_ids[encoded.loss_mask.index(1)])
    return sorted(found)


def closing_tokens(tokenizer: PreTrainedTokenizerFast, questions: pa.Table) -> list[int]:
    """The tokens behind the instruction, up to the last of the prompt: the same in all questions.

    Args:
        tokenizer: of the model.
        questions: rows of a question set, with `question_id`, `messages`, `prompt` and `token_ids`.

    Raises:
        StudyError: there is no question, a prompt does not hold its instruction, or is of another tokenizer.
    """
    rows = questions.select(["question_id", "messages", "prompt", "token_ids"]).to_pylist()
    if not rows:
        raise StudyError("there is no request to read", "ask for a question set that has requests")
    shared = _behind(tokenizer, rows[0])
    for row in rows[1:]:
        here = _behind(tokenizer, row)
        common = 0
        while common < min(len(shared), len(here)) and shared[-1 - common] == here[-1 - common]:
            common += 1
        # A token may begin within the instruction of one prompt and not of another.
        shared = shared[len(shared) - common :]
    if not shared:
        raise StudyError(
            "the prompts share no token behind the instruction",
            "use a chat template that closes the user's turn and opens the assistant's",
        )
    return shared


def _behind(tokenizer: PreTrainedTokenizerFast, row: dict[str, Any]) -> list[int]:
    encoded = tokenizer(row["prompt"], add_special_tokens=False, return_offsets_mapping=True)
    instruction = row["messages"][-1]["content"].strip()
    begin = row["prompt"].rfind(instruction)
    if begin < 0 or list(encoded["input_ids"]) != list(row["token_ids"]):
        raise StudyError(
            f"question {row['question_id']!r} was not formatted with this model's tokenizer and template",
            "delete the question parquet and run again",
        )
    end = begin + len(instruction)
    return [
        token
        for token, (start, _) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
        if start >= end
    ]
