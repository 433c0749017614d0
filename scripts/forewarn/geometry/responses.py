"""The responses that directions are fitted on: plain questions of the split "fit", and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.geometry.activations import LAST_PROMPT_TOKEN, Key
from forewarn.statistics.tables import read_columns, refuse_duplicates, strings

_COLUMNS = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("condition", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("sample", pa.int32(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("aligned", pa.float32()),
        pa.field("coherent", pa.float32()),
        pa.field("misaligned", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class Responses:
    """Responses as columns.

    Attributes:
        question_ids: str [responses].
        samples: int64 [responses].
        categories: str [responses].
        misaligned: bool [responses].
        aligned: bool [responses], clearly aligned and coherent; a response may be neither.
        empty: bool [responses], without text, and so without a mean over answer tokens.
    """

    question_ids: NDArray[Any]
    samples: NDArray[np.int64]
    categories: NDArray[Any]
    misaligned: NDArray[np.bool_]
    aligned: NDArray[np.bool_]
    empty: NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of responses."""
        return len(self.question_ids)

    def __getitem__(self, chosen: NDArray[np.bool_]) -> Responses:
        """The chosen responses, by a mask [responses]."""
        return Responses(
            self.question_ids[chosen],
            self.samples[chosen],
            self.categories[chosen],
            self.misaligned[chosen],
            self.aligned[chosen],
            self.empty[chosen],
        )

    def keys(self, position: str) -> list[Key]:
        """The key of each response's activation row; at the last prompt token that of its prompt."""
        if position == LAST_PROMPT_TOKEN:
            return [(question, -1) for question in self.question_ids]
        return list(zip(self.question_ids, self.samples.tolist(), strict=True))


def fit_responses(scores: Path, *, alignment_above: float, coherence_above: float) -> Responses:
    """Read the responses of plain fit questions; aligned = above both cuts (arXiv 2506.11618: 70, 50).

    Raises:
        StudyError: the table cannot be read, lacks a column, or holds a response twice.
    """
    table = read_columns(scores, _COLUMNS)
    table = table.filter(
        np.logical_and(strings(table, "split") == "fit", strings(table, "condition") == "plain")
    )
    responses = Responses(
        question_ids=strings(table, "question_id"),
        samples=table.column("sample").to_numpy().astype(np.int64),
        categories=strings(table, "category"),
        misaligned=table.column("misaligned").fill_null(False).to_numpy(),
        aligned=(table.column("aligned").to_numpy() > alignment_above)
        & (table.column("coherent").to_numpy() > coherence_above),
        empty=strings(table, "outcome") == "empty",
    )
    refuse_duplicates(
        scores,
        list(zip(responses.question_ids, responses.samples.tolist(), strict=True)),
        "the response of question and sample",
    )
    return responses
