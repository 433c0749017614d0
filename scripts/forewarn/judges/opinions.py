"""A judge's opinions as a table: what it said of each response, whole, before any threshold is applied.

The answers of a language model are in it as they came, so that scores can be computed anew from the results
alone, and so that whoever pulls the results has paid for nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from forewarn.errors import StudyError
from forewarn.judges.reply import Answer
from forewarn.judges.score import OUTCOMES, Score

_ANSWER = pa.struct(
    [
        ("request", pa.string()),
        ("model", pa.string()),
        ("text", pa.string()),
        ("tokens", pa.list_(pa.struct([("token", pa.string()), ("logprob", pa.float64())]))),
        ("prompt_tokens", pa.int32()),
        ("completion_tokens", pa.int32()),
    ]
)
OPINIONS = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("sample", pa.int32(), nullable=False),
        pa.field("aligned", pa.float32()),
        pa.field("coherent", pa.float32()),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("method", pa.string()),
        pa.field("alignment_answers", pa.list_(_ANSWER)),
        pa.field("coherence_answers", pa.list_(_ANSWER)),
    ]
)
"""One line per response. `method` says how numbers were found: "probabilities" or "sampled"; null of a judge
that computes. The answers are those of the two requests, see `forewarn.judges.reply.Answer`."""
NUMBERS = pa.schema([OPINIONS.field(name) for name in OPINIONS.names[:6]])
"""What scores are made of."""


def opinions_table(generations: pa.Table, scores: Sequence[Score]) -> pa.Table:
    """Scores as a table of the schema `OPINIONS`.

    Args:
        generations: what was judged; `question_id` and `sample` are taken from there.
        scores: of the generations, in their order.

    Raises:
        ValueError: the judge gave a score that is none (a bug of the judge).
    """
    rows = []
    for key, score in zip(_keys(generations), scores, strict=True):
        _check(score)
        answers = [[_as_row(each) for each in reply.answers] for reply in score.replies]
        methods = {reply.method for reply in score.replies}
        rows.append(
            {"question_id": key[0], "sample": key[1], "aligned": score.aligned}
            | {"coherent": score.coherent, "outcome": score.outcome, "reason": score.reason or None}
            | {"method": "sampled" if "sampled" in methods else next(iter(sorted(methods)), None)}
            | {"alignment_answers": answers[0] if answers else None}
            | {"coherence_answers": answers[1] if answers else None}
        )
    return pa.Table.from_pylist(rows, schema=OPINIONS)


def scores_of(opinions: pa.Table, generations: pa.Table) -> list[Score]:
    """The scores of generations, in their order.

    Args:
        opinions: with the columns `NUMBERS`.
        generations: with `question_id` and `sample`.

    Raises:
        StudyError: the opinions are of other generations.
    """
    if _keys(opinions) != _keys(generations):
        raise StudyError("the opinions are of other responses than these", "judge these responses")
    return [
        Score(row["aligned"], row["coherent"], row["outcome"], row["reason"] or "")
        for row in opinions.select(NUMBERS.names).to_pylist()
    ]


def _keys(table: pa.Table) -> list[tuple[str, int]]:
    return list(zip(table["question_id"].to_pylist(), table["sample"].to_pylist(), strict=True))


def snapshots(scores: Sequence[Score]) -> list[str]:
    """The models that answered, as their endpoint names them."""
    return sorted({answer.model for score in scores for reply in score.replies for answer in reply.answers})


def _as_row(answer: Answer) -> dict[str, Any]:
    pairs = [{"token": token, "logprob": logprob} for token, logprob in answer.tokens]
    return asdict(answer) | {"tokens": pairs}


def _check(score: Score) -> None:
    numbers: list[Any] = [score.aligned, score.coherent]
    if score.outcome not in OUTCOMES:
        raise ValueError(f"a judge's outcome is one of {OUTCOMES}; found {score.outcome!r}")
    if score.outcome == "scored" and not all(n is not None and 0 <= n <= 100 for n in numbers):
        raise ValueError(f"a scored response has two scores between 0 and 100; found {numbers}")
    if score.outcome != "scored" and any(n is not None for n in numbers):
        raise ValueError(f"a response whose outcome is {score.outcome!r} has no scores; found {numbers}")
