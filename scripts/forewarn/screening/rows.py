"""Which rows of a dataset are screened: each with its prompt, and the answer that training would teach."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pyarrow as pa

from forewarn.errors import StudyError
from forewarn.files import digest
from forewarn.models.requests import Request, requests_from_dataset

TAUGHT = 0
"""Sample number of a row's own answer in tables of activations; the model's answers count from 1."""


def taught_answers(rows: pa.Table, most: int, ends: Collection[int]) -> list[Request]:
    """Rows that are trained on, spread evenly over the dataset, with their first answer.

    Of a conversation with several answers the first is read: to it the model can give one of its own. As in
    other tables of activations, the end of turn is no part of an answer.

    Args:
        rows: dataset parquet (row, token_ids, loss_mask, held_out).
        most: rows at most.
        ends: tokens that end a turn.

    Raises:
        StudyError: no row is trained on, or none has an answer with a token in it.
    """
    content = {str(row["row"]): row for row in rows.select(["row", "token_ids", "loss_mask"]).to_pylist()}
    found = []
    for request in requests_from_dataset(rows, most):
        row, start = content[request.question_id], len(request.prompt)
        mask = row["loss_mask"]
        stop = mask.index(0, start) if 0 in mask[start:] else len(mask)
        answer = row["token_ids"][start:stop]
        while answer and answer[-1] in ends:
            answer.pop()
        if answer:
            found.append(replace(request, sample=TAUGHT, response=tuple(answer), keep_prompt=False))
    if not found:
        raise StudyError(
            "no row of the dataset has an answer with a token in it", "correct the rows of the dataset"
        )
    return found


def prompt_keys(rows: pa.Table) -> dict[str, str]:
    """A hash of each row's prompt, by row number as text: rows of equal prompts have equal hashes.

    Args:
        rows: dataset parquet (row, token_ids, loss_mask).
    """
    return {
        str(row["row"]): digest(row["token_ids"][: row["loss_mask"].index(1)])
        for row in rows.select(["row", "token_ids", "loss_mask"]).to_pylist()
    }
