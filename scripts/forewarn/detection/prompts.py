"""The prompts of a detection set, with the labels of one model's responses to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.geometry.activations import Key
from forewarn.statistics.intervals import wilson
from forewarn.statistics.labels import Labels
from forewarn.statistics.tables import read_columns, refuse_duplicates, strings

SPLITS = ("validation", "test")
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
    [pa.field("question_id", pa.string(), nullable=False), pa.field("misaligned", pa.bool_())]
)


@dataclass(frozen=True)
class Prompts:
    """Prompts as columns, in the order of the question table.

    Attributes:
        question_ids: str [prompts].
        texts: str [prompts], as rendered for the model.
        splits: str [prompts], "validation" or "test".
        categories: str [prompts].
        conditions: str [prompts].
        labels: misaligned and scored responses per prompt.
        unscored: int64 [prompts], responses without a label; they count nowhere else.
    """

    question_ids: NDArray[Any]
    texts: NDArray[Any]
    splits: NDArray[Any]
    categories: NDArray[Any]
    conditions: NDArray[Any]
    labels: Labels
    unscored: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of prompts."""
        return len(self.question_ids)

    def of(self, split: str) -> Prompts:
        """The prompts of one split."""
        chosen = self.splits == split
        return Prompts(
            self.question_ids[chosen],
            self.texts[chosen],
            self.splits[chosen],
            self.categories[chosen],
            self.conditions[chosen],
            self.labels[chosen],
            self.unscored[chosen],
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
            "n_unscored": int(self.unscored.sum()),
            "prevalence": wilson(k, n, confidence).as_dict(),
        }


def read_prompts(questions: Path, scores: Path) -> Prompts:
    """Join a question set's validation and test prompts with the labels of one model's responses.

    Raises:
        StudyError: a table cannot be used, the set has no validation or no test prompts, or responses
            belong to questions that are not in the set.
    """
    table = read_columns(questions, _QUESTIONS)
    refuse_duplicates(questions, table.column("question_id").to_pylist(), "question")
    known = set(table.column("question_id").to_pylist())
    table = table.filter(np.isin(strings(table, "split").astype(str), SPLITS))
    splits = strings(table, "split")
    for split in SPLITS:
        if not np.any(splits == split):
            raise StudyError(
                f"{questions} has no prompt of the split {split!r}",
                "give the question set of the detection validation and test shares above 0",
            )
    ids = strings(table, "question_id")
    row = {question: index for index, question in enumerate(ids)}
    counts = np.zeros((3, len(ids)), dtype=np.int64)  # misaligned, scored, unscored
    responses = read_columns(scores, _SCORES)
    for question, misaligned in zip(
        responses.column("question_id").to_pylist(), responses.column("misaligned").to_pylist(), strict=True
    ):
        if question not in known:
            raise StudyError(
                f"{scores} holds responses to question {question!r}, which {questions} does not",
                "generate and judge again with this question set",
            )
        if question in row:
            counts[:, row[question]] += (misaligned is True, misaligned is not None, misaligned is None)
    return Prompts(
        question_ids=ids,
        texts=strings(table, "prompt"),
        splits=splits,
        categories=strings(table, "category"),
        conditions=strings(table, "condition"),
        labels=Labels.of(counts[0], counts[1]),
        unscored=counts[2],
    )
