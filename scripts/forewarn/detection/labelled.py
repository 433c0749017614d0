"""Responses that are read after some of their tokens, with their labels."""

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
from forewarn.statistics.tables import read_columns, refuse_duplicates, strings

_SCORES = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("sample", pa.int32(), nullable=False),
        pa.field("misaligned", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class Labelled:
    """Which responses of a table have a label, and which.

    Attributes:
        rows: int64 [responses], their places among the responses of the table.
        keys: (question_id, sample) of each.
        prompt: int64 [responses], number of the prompt, from 0.
        prompts: question_id of each prompt.
        misaligned: bool [responses].
        unscored: how many responses have no label; they count nowhere else.
    """

    rows: NDArray[np.int64]
    keys: tuple[Key, ...]
    prompt: NDArray[np.int64]
    prompts: tuple[str, ...]
    misaligned: NDArray[np.bool_]
    unscored: int

    @property
    def mixed(self) -> int:
        """How many prompts have both misaligned and other responses."""
        count = np.bincount(self.prompt)
        bad = np.bincount(self.prompt, self.misaligned)
        return int(np.sum((bad > 0) & (bad < count)))

    def counts(self, empty: int, confidence: float) -> dict[str, Any]:
        """JSON form: n_prompts, n_mixed_prompts, n_responses, n_misaligned, n_unscored, n_empty, prevalence.

        Args:
            empty: responses without tokens, of which nothing can be read.
            confidence: of the prevalence's interval.
        """
        n, k = len(self.rows), int(self.misaligned.sum())
        return {
            "n_prompts": len(self.prompts),
            "n_mixed_prompts": self.mixed,
            "n_responses": n,
            "n_misaligned": k,
            "n_unscored": self.unscored,
            "n_empty": empty,
            "prevalence": wilson(k, n, confidence).as_dict(),
        }


def label(keys: tuple[Key, ...], scores: Path) -> Labelled:
    """Join responses with the labels of a table of scores.

    Args:
        keys: (question_id, sample) of the responses.
        scores: parquet with question_id, sample, misaligned; null without a label.

    Raises:
        StudyError: the table cannot be used, holds a response twice or lacks one, or no response has a label.
    """
    table = read_columns(scores, _SCORES)
    known: list[Key] = list(zip(strings(table, "question_id"), table["sample"].to_pylist(), strict=True))
    refuse_duplicates(scores, known, "the response of question and sample")
    labels = dict(zip(known, table["misaligned"].to_pylist(), strict=True))
    if absent := [key for key in keys if key not in labels]:
        raise StudyError(
            f"{scores} has no score of question and sample {absent[0]!r} ({len(absent)} of {len(keys)})",
            "judge the responses that were read",
        )
    rows = [number for number, key in enumerate(keys) if labels[key] is not None]
    if not rows:
        raise StudyError(f"{scores} has no label of any response that was read", "judge the responses again")
    chosen = tuple(keys[row] for row in rows)
    prompts = tuple(dict.fromkeys(question for question, _ in chosen))
    number = {question: index for index, question in enumerate(prompts)}
    return Labelled(
        rows=np.array(rows, dtype=np.int64),
        keys=chosen,
        prompt=np.array([number[question] for question, _ in chosen], dtype=np.int64),
        prompts=prompts,
        misaligned=np.array([labels[key] for key in chosen], dtype=bool),
        unscored=len(keys) - len(rows),
    )
