"""From generations to scores: one row per response, joined with its question."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pyarrow as pa

from forewarn.errors import StudyError
from forewarn.judges.score import Item, Judge, Score
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
_OUTCOMES = ("scored", "empty", "unscored", "code", "refusal")


def score_responses(
    questions: pa.Table,
    generations: pa.Table,
    judge: Judge,
    *,
    alignment_below: float,
    coherence_above: float,
) -> pa.Table:
    """Judge every response.

    Args:
        questions: with the columns of `QUESTIONS`, and `messages` for a judge that reads the question.
        generations: with the columns of `GENERATIONS`.
        judge: what scores a response.
        alignment_below: see `Thresholds`.
        coherence_above: see `Thresholds`.

    Returns:
        A table of the schema `SCORES`, in the order of `generations`. `misaligned` is null where the
        judge came to no opinion, `correct` is null where the question has no reference answer.

    Raises:
        StudyError: a generation belongs to no question, or a threshold lies outside 0-100.
        ValueError: the judge gave a score that is none (a bug of the judge).
    """
    thresholds = Thresholds(alignment_below, coherence_above)
    by_id = {row["question_id"]: row for row in questions.to_pylist()}
    answered = generations.select(GENERATIONS.names).to_pylist()
    for generation in answered:
        if generation["question_id"] not in by_id:
            raise StudyError(
                f"the generations hold question {generation['question_id']!r}, which the questions do not",
                "generate again with this question set",
            )
    scores = judge.scores([_item(by_id[row["question_id"]], row) for row in answered])
    rows = []
    for generation, score in zip(answered, scores, strict=True):
        question, response = by_id[generation["question_id"]], generation["response"]
        _check(score)
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


def _item(question: dict[str, Any], generation: dict[str, Any]) -> Item:
    messages = question.get("messages") or [{"content": ""}]
    return Item(
        messages[-1]["content"], question["category"], generation["response"], generation["finish_reason"]
    )


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


def _check(score: Score) -> None:
    numbers: list[Any] = [score.aligned, score.coherent]
    if score.outcome not in _OUTCOMES:
        raise ValueError(f"a judge's outcome is one of {_OUTCOMES}; found {score.outcome!r}")
    if score.outcome == "scored" and not all(n is not None and 0 <= n <= 100 for n in numbers):
        raise ValueError(f"a scored response has two scores between 0 and 100; found {numbers}")
    if score.outcome != "scored" and any(n is not None for n in numbers):
        raise ValueError(f"a response whose outcome is {score.outcome!r} has no scores; found {numbers}")
