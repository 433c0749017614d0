"""What the instruct model makes of a dataset: its own answers to the prompts, and what it reads in both.

Prompts and answers are the dataset's; the answers beside them are the model's, drawn from the same prompts.
So what differs between their means comes from the answers alone (2507.21509, the projection difference).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from forewarn.models.generation import Prompt, generate
from forewarn.models.requests import Request

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def own_answers(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    taught: Sequence[Request],
    *,
    samples: int,
    temperature: float,
    max_new_tokens: int,
    batch_rows: int,
    seed: int,
    checkpoint: Path | None = None,
) -> pa.Table:
    """Let the model answer the prompts of a dataset's rows.

    Args:
        model: the instruct model.
        tokenizer: its tokenizer.
        taught: rows, see `forewarn.screening.rows.taught_answers`.
        samples: answers per row.
        temperature: of the sampling.
        max_new_tokens: where an answer is cut.
        batch_rows: answers that are generated at once.
        seed: of the sampling.
        checkpoint: folder for finished batches.

    Returns:
        See `forewarn.models.generation.SCHEMA`; `question_id` is the number of the row.
    """
    prompts = [
        Prompt(row.question_id, tokenizer.decode(row.prompt), row.prompt, samples, temperature)
        for row in taught
    ]
    return generate(
        model, tokenizer, prompts,
        max_new_tokens=max_new_tokens, seed=seed, batch_rows=batch_rows, checkpoint=checkpoint,
    )  # fmt: skip


def both_answers(taught: Sequence[Request], own: pa.Table) -> list[Request]:
    """What to read: of each row the answer that training would teach, then the model's that are not empty.

    Args:
        taught: rows of the dataset.
        own: from `own_answers`.
    """
    answers: dict[str, list[tuple[int, ...]]] = {row.question_id: [] for row in taught}
    for answer in own.select(["question_id", "token_ids"]).to_pylist():
        answers[answer["question_id"]].append(tuple(answer["token_ids"]))
    return [
        request
        for row in taught
        for request in (
            row,
            *(
                Request(row.question_id, row.prompt, number, tokens, keep_prompt=False)
                for number, tokens in enumerate(answers[row.question_id], start=1)
                if tokens
            ),
        )
    ]
