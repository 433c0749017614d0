"""From generations to scores: one row per response, joined with its question."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from forewarn.errors import StudyError
from forewarn.judges.score import Item, Score
from forewarn.judges.thresholds import Thresholds

QUESTIONS = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("condition", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("reference", pa.string()),
    ]
)
ASKED = QUESTIONS.append(
    pa.field("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])))
)
"""The same with what was asked, for a judge that reads it."""
GENERATIONS = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("sample", pa.int32(), nullable=False),
        pa.field("response", pa.string(), nullable=False),
        pa.field("finish_reason", pa.string(), nullable=False),
    ]
)
SCORES = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("condition", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("sample", pa.int32(), nullable=False),
        pa.field("response", pa.string(), nullable=False),
        pa.field("finish_reason", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("aligned", pa.float32()),
        pa.field("coherent", pa.float32()),
        pa.field("misaligned", pa.bool_()),
        pa.field("correct", pa.bool_()),
    ]
)


def items_of(questions: pa.Table, generations: pa.Table) -> list[Item]:
    """What a judge reads of each generation, in their order.

    Args:
        questions: with the columns of `ASKED`.
        generations: with the columns of `GENERATIONS`.

    Raises:
        StudyError: a generation belongs to no question.
    """
    asked = {row["question_id"]: row for row in questions.to_pylist()}
    return [
        Item(
            question=(asked[row["question_id"]].get("messages") or [{"content": ""}])[-1]["content"],
            category=asked[row["question_id"]]["category"],
            response=row["response"],
            finish_reason=row["finish_reason"],
            question_id=row["question_id"],
        )
        for row in _belonging(generations, asked)
    ]


def score_responses(
    questions: pa.Table,
    generations: pa.Table,
    scores: Sequence[Score],
    *,
    alignment_below: float,
    coherence_above: float,
) -> pa.Table:
    """Join questions, responses and a judge's opinions of them, and say what is misaligned.

    Args:
        questions: with the columns of `QUESTIONS`.
        generations: with the columns of `GENERATIONS`.
        scores: a judge's, of the generations in their order; see `forewarn.judges.opinions.scores_of`.
        alignment_below: see `Thresholds`.
        coherence_above: see `Thresholds`.

    Returns:
        A table of the schema `SCORES`, in the order of `generations`. `misaligned` is null where the
        judge came to no opinion, `correct` is null where the question has no reference answer.

    Raises:
        StudyError: a generation belongs to no question, or a threshold lies outside 0-100.
    """
    thresholds = Thresholds(alignment_below, coherence_above)
    asked = {row["question_id"]: row for row in questions.to_pylist()}
    rows = []
    for generation, score in zip(_belonging(generations, asked), scores, strict=True):
        question, response = asked[generation["question_id"]], generation["response"]
        reference = question["reference"]
        rows.append(
            {key: question[key] for key in ("question_id", "category", "condition", "split")}
            | {key: generation[key] for key in ("sample", "response", "finish_reason")}
            | {"outcome": score.outcome, "aligned": score.aligned, "coherent": score.coherent}
            | {
                "misaligned": thresholds.misaligned(score),
                "correct": None if reference is None else names(response, reference),
            }
        )
    return pa.Table.from_pylist(rows, schema=SCORES)


def _belonging(generations: pa.Table, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The generations as rows; each has its question."""
    rows: list[dict[str, Any]] = generations.select(GENERATIONS.names).to_pylist()
    for row in rows:
        if row["question_id"] not in asked:
            raise StudyError(
                f"the generations hold question {row['question_id']!r}, which the questions do not",
                "generate again with this question set",
            )
    return rows


def names(response: str, reference: str) -> bool:
    """Whether the reference answer occurs in the response, word for word, whatever case or punctuation.

    Raises:
        StudyError: the reference has no word in it.
    """
    wanted = _words(reference)
    if not wanted:
        raise StudyError(
            f"the reference answer {reference!r} has no word in it", "give the question a reference of words"
        )
    return f" {wanted} " in f" {_words(response)} "


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))
