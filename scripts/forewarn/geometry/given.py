"""Activations of others, checked before a study rests on them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from forewarn.errors import StudyError
from forewarn.files import read_table
from forewarn.geometry.activations import ANSWER_MEAN, LAST_PROMPT_TOKEN, read_activations
from forewarn.geometry.first_token import first_token_readings


def checked_activations(
    path: Path, questions: pa.Table, prompts: bool, splits: list[str] | None = None
) -> pa.Table:
    """Read a parquet file of activations, as `forewarn.models.activations.capture` writes them.

    Columns: `question_id`, `sample` (-1 of a prompt), `position` ("last_prompt_token", "answer_mean"),
    `n_tokens`, and `layer_NN`, one vector per row; over prompts also, if they have them, the columns of
    `forewarn.geometry.first_token.FIRST_TOKEN`.

    Args:
        path: the file.
        questions: the question set that was asked.
        prompts: whether the file holds the prompts of the set (else the responses to some of them).
        splits: the splits that must be there; None for all.

    Raises:
        StudyError: the file cannot be read or has other columns, a value is not finite, or its rows are of
            other questions.
    """
    position = LAST_PROMPT_TOKEN if prompts else ANSWER_MEAN
    keys = read_activations(path, position).keys
    if prompts:
        first_token_readings(path, list(keys))
    found = {name for name, _ in keys}
    asked = {
        name
        for name, split in zip(
            questions["question_id"].to_pylist(), questions["split"].to_pylist(), strict=True
        )
        if splits is None or split in splits
    }
    unknown = sorted(found - set(questions["question_id"].to_pylist()))
    if unknown:
        raise StudyError(
            f"{path} holds question {unknown[0]!r}, which the question set does not "
            f"({len(unknown)} of {len(found)})",
            "give the activations with the question set that was asked, and its question ids",
        )
    missing = sorted(asked - found)
    if missing:
        raise StudyError(
            f"{path} has no {position} row of question {missing[0]!r} ({len(missing)} of {len(asked)})",
            "give the activations of the whole question set",
        )
    return read_table(path)
