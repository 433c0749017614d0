"""The prompts of a detection set, with the labels of one model's responses to them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.detection.labelling import Responses
from forewarn.errors import StudyError
from forewarn.geometry.activations import Key
from forewarn.statistics.intervals import wilson
from forewarn.statistics.labels import Labels
from forewarn.statistics.tables import read_columns, refuse_duplicates, strings

SPLITS = ("fit", "validation", "test")
_NEEDED = ("validation", "test")
_QUESTIONS = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("condition", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
    ]
)
_SCORES = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("aligned", pa.float64()),
        pa.field("coherent", pa.float64()),
        pa.field("misaligned", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class Prompts:
    """Prompts as columns, in the order of the question table.

    Attributes:
        question_ids: str [prompts].
        texts: str [prompts], as rendered for the model.
        splits: str [prompts], "fit", "validation" or "test".
        categories: str [prompts].
        conditions: str [prompts].
        responses: to the prompts.
    """

    question_ids: NDArray[Any]
    texts: NDArray[Any]
    splits: NDArray[Any]
    categories: NDArray[Any]
    conditions: NDArray[Any]
    responses: Responses

    @cached_property
    def labels(self) -> Labels:
        """Misaligned and labelled responses per prompt."""
        return self.responses.labels()

    @cached_property
    def unscored(self) -> int:
        """Responses without a label; they count nowhere else."""
        return int(np.sum(~self.responses.labelled))

    def __len__(self) -> int:
        """Number of prompts."""
        return len(self.question_ids)

    def of(self, split: str) -> Prompts:
        """The prompts of one split."""
        return self[self.splits == split]

    def __getitem__(self, chosen: NDArray[np.bool_]) -> Prompts:
        """The chosen prompts, by a mask [prompts]."""
        return Prompts(
            self.question_ids[chosen],
            self.texts[chosen],
            self.splits[chosen],
            self.categories[chosen],
            self.conditions[chosen],
            self.responses.of(chosen),
        )

    def keys(self) -> list[Key]:
        """Keys of the prompts' rows in an activation table."""
        return [(question, -1) for question in self.question_ids]

    def counts(self, confidence: float) -> dict[str, Any]:
        """JSON form: n_prompts, n_mixed_prompts, n_responses, n_misaligned, n_unscored, prevalence."""
        n, k = int(self.labels.responses.sum()), int(self.labels.misaligned.sum())
        return {
            "n_prompts": len(self),
            "n_mixed_prompts": self.labels.mixed,
            "n_responses": n,
            "n_misaligned": k,
            "n_unscored": self.unscored,
            "prevalence": wilson(k, n, confidence).as_dict(),
        }


def read_prompts(questions: Path, scores: Path) -> Prompts:
    """Join a question set's prompts of the three splits with one model's responses.

    Raises:
        StudyError: a table cannot be used, the set has no validation or no test prompts, or responses
            belong to questions that are not in the set.
    """
    table = read_columns(questions, _QUESTIONS)
    refuse_duplicates(questions, table.column("question_id").to_pylist(), "question")
    known = set(table.column("question_id").to_pylist())
    table = table.filter(np.isin(strings(table, "split").astype(str), SPLITS))
    splits = strings(table, "split")
    for split in _NEEDED:
        if not np.any(splits == split):
            raise StudyError(
                f"{questions} has no prompt of the split {split!r}",
                "give the question set of the detection validation and test shares above 0",
            )
    ids = strings(table, "question_id")
    row = {question: index for index, question in enumerate(ids)}
    responses = read_columns(scores, _SCORES)
    answered = responses.column("question_id").to_pylist()
    for question in answered:
        if question not in known:
            raise StudyError(
                f"{scores} holds responses to question {question!r}, which {questions} does not",
                "generate and judge again with this question set",
            )
    kept = np.array([question in row for question in answered], dtype=bool)
    misaligned = responses.column("misaligned")
    return Prompts(
        question_ids=ids,
        texts=strings(table, "prompt"),
        splits=splits,
        categories=strings(table, "category"),
        conditions=strings(table, "condition"),
        responses=Responses(
            prompt=np.array([row[question] for question in answered if question in row], dtype=np.int64),
            aligned=_numbers(responses, "aligned")[kept],
            coherent=_numbers(responses, "coherent")[kept],
            misaligned=misaligned.fill_null(False).to_numpy()[kept],
            labelled=misaligned.is_valid().to_numpy()[kept],
            prompts=len(ids),
        ),
    )


def _numbers(table: pa.Table, column: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = table.column(column).to_numpy().astype(np.float64)  # null becomes NaN
    return values
