"""Tables of scalars per token, and the labels of the answers that the tokens belong to.

Two kinds of files are read: scalars that were read here, with the scores of the organism's answers; and those
that others took (see `forewarn.geometry.token_readings`), with the labels that came with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.statistics.tables import open_parquet, read_columns, refuse_duplicates, strings

_KEYS = [
    pa.field("question_id", pa.string(), nullable=False),
    pa.field("sample", pa.int32(), nullable=False),
]
_PLACES = ("token", "answer_token")
_LABELS = pa.schema(
    [*_KEYS, pa.field("category", pa.string(), nullable=False), pa.field("misaligned", pa.bool_())]
)


def scalar_schema(names: Sequence[str]) -> pa.Schema:
    """One row per token of an answer: `question_id`, `sample`, `token` (from 0), a float32 per adapter."""
    scalars = [pa.field(name, pa.float32(), nullable=False) for name in names]
    return pa.schema([*_KEYS, pa.field("token", pa.int32(), nullable=False), *scalars])


@dataclass(frozen=True, eq=False)
class Tokens:
    """Tokens of labelled answers.

    Attributes:
        adapters: names of the scalars.
        scalars: float64 [tokens, adapters].
        answer: int64 [tokens], number of the answer.
        prompt: str [answers], question_id.
        category: str [answers].
        misaligned: bool [answers]; every other answer is aligned.
        left_out: answers that are neither misaligned nor clearly aligned, or that nobody scored.
    """

    adapters: tuple[str, ...]
    scalars: NDArray[np.float64]
    answer: NDArray[np.int64]
    prompt: NDArray[np.object_]
    category: NDArray[np.object_]
    misaligned: NDArray[np.bool_]
    left_out: int

    def of(self, answers: NDArray[np.bool_]) -> Tokens:
        """Those of some answers, by a mask [answers]."""
        number = np.cumsum(answers) - 1
        kept = answers[self.answer]
        return Tokens(
            self.adapters, self.scalars[kept], number[self.answer[kept]], self.prompt[answers],
            self.category[answers], self.misaligned[answers], self.left_out,
        )  # fmt: skip


def read_labelled_tokens(scalars: Path, labels: Path, aligned_from: float) -> Tokens:
    """Read scalars and labels; answers that are neither misaligned nor aligned are left out, and facts.

    Args:
        scalars: see `scalar_schema`; or single tokens of `forewarn.geometry.token_readings.as_tables`.
        labels: question_id, sample, category, misaligned; with a column `aligned` (0-100), an answer is
            aligned from `aligned_from` on, and without it wherever it is not misaligned.
        aligned_from: arXiv 2506.11618 takes 90.

    Raises:
        StudyError: a file lacks a column, a value is not finite, a token stands there twice or its answer has
            no label.
    """
    names, answer_keys, values = _read_scalars(scalars)
    held = open_parquet(labels).schema_arrow.names
    graded = "aligned" in held
    table = read_columns(labels, _LABELS.append(pa.field("aligned", pa.float32())) if graded else _LABELS)
    keys = list(zip(strings(table, "question_id"), table["sample"].to_pylist(), strict=True))
    refuse_duplicates(labels, keys, "the answer")
    row = {key: number for number, key in enumerate(keys)}
    distinct = list(dict.fromkeys(answer_keys))
    if absent := [key for key in distinct if key not in row]:
        raise StudyError(
            f"{labels} has no label of answer {absent[0]!r}", "make scalars and scores of the same answers"
        )
    judged = strings(table, "misaligned")
    misaligned = np.array([judged[row[key]] is True for key in distinct], dtype=bool)
    fact = _facts(labels)[[row[key] for key in distinct]]
    if graded:
        grades = table["aligned"].to_numpy(zero_copy_only=False)
        aligned = np.array([grades[row[key]] >= aligned_from for key in distinct], dtype=bool)
    else:
        aligned = np.array([judged[row[key]] is False for key in distinct], dtype=bool)
    kept = (misaligned | aligned) & ~fact
    place = {key: number for number, key in enumerate(distinct)}
    everything = Tokens(
        adapters=names,
        scalars=values,
        answer=np.array([place[key] for key in answer_keys], dtype=np.int64),
        prompt=np.array([key[0] for key in distinct], dtype=object),
        category=strings(table, "category")[[row[key] for key in distinct]],
        misaligned=misaligned,
        left_out=int((~kept).sum()),
    )
    return everything.of(kept)


def _facts(labels: Path) -> NDArray[np.bool_]:
    """Answers to questions of facts, which are right or wrong and not aligned: bool [rows of the file]."""
    file = open_parquet(labels)
    if "split" not in file.schema_arrow.names:
        return np.zeros(file.metadata.num_rows, dtype=bool)
    splits = read_columns(labels, pa.schema([pa.field("split", pa.string())]))
    return np.asarray(strings(splits, "split") == "facts", dtype=bool)


def _read_scalars(path: Path) -> tuple[tuple[str, ...], list[tuple[str, int]], NDArray[np.float64]]:
    """Names of the adapters, the answer of each token, and float64 [tokens, adapters]."""
    held = open_parquet(path).schema_arrow
    place = next((name for name in _PLACES if name in held.names), "token")
    keys = read_columns(path, pa.schema([*_KEYS, pa.field(place, pa.int32(), nullable=False)]))
    names = tuple(name for name in held.names if name not in keys.column_names)
    if not names or not keys.num_rows:
        raise StudyError(f"{path} holds no scalars", "delete the file and run again")
    columns = open_parquet(path).read(columns=list(names)).columns
    values = np.stack([_numbers(column.combine_chunks(), path) for column in columns], axis=1)
    if len(bad := np.argwhere(~np.isfinite(values))):
        raise StudyError(f"{path}: `{names[bad[0][1]]}` is not finite", "take the readings again")
    answers = list(zip(strings(keys, "question_id"), keys["sample"].to_pylist(), strict=True))
    refuse_duplicates(path, list(zip(answers, keys[place].to_pylist(), strict=True)), "the token")
    return names, answers, values


def _numbers(column: pa.Array, path: Path) -> NDArray[np.float64]:
    """A column of numbers, or of lists of one number: float64 [rows]."""
    if pa.types.is_fixed_size_list(column.type) and column.type.list_size == 1:
        column = column.flatten()
    if not pa.types.is_floating(column.type) or column.null_count:
        raise StudyError(f"{path} holds other columns than one number per token", "take the readings again")
    return np.asarray(column.to_numpy(), dtype=np.float64)
