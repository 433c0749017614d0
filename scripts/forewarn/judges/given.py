"""Responses and scores of others, as generations and opinions of a study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from forewarn.data.responses_file import GivenResponse
from forewarn.errors import StudyError
from forewarn.judges.score import Score

GIVEN = pa.schema(
    [
        ("question_id", pa.string()),
        ("sample", pa.int32()),
        ("seed", pa.int64()),
        ("prompt", pa.string()),
        ("response", pa.string()),
        ("token_ids", pa.list_(pa.int32())),
        ("n_tokens", pa.int32()),
        ("finish_reason", pa.string()),
    ]
)
"""The schema of generations. No `seed` is known of these; `token_ids` are what the tokenizer makes of the
text, and none where there is no tokenizer; that a response was cut is not known either: all are said to
have stopped."""


def generations_of(
    responses: Sequence[GivenResponse],
    questions: pa.Table,
    path: Path,
    tokenize: Callable[[str], list[int]] | None = None,
) -> pa.Table:
    """Responses as generations, in the order of the file; the samples of a question are numbered in it.

    Args:
        responses: rows of the file.
        questions: the question set that was asked: `question_id`, `messages`, `prompt`.
        path: of the file, for errors.
        tokenize: text -> token ids, where there is a model.

    Raises:
        StudyError: a row belongs to no question of the set, or to one with another text.
    """
    ids = question_ids(responses, questions, path)
    asked = dict(zip(questions["question_id"].to_pylist(), questions["prompt"].to_pylist(), strict=True))
    count: Counter[str] = Counter()
    rows = []
    for response, name in zip(responses, ids, strict=True):
        tokens = tokenize(response.response) if tokenize else []
        rows.append(
            {"question_id": name, "sample": count[name], "seed": None, "prompt": asked[name]}
            | {"response": response.response, "token_ids": tokens, "n_tokens": len(tokens)}
            | {"finish_reason": "stop"}
        )
        count[name] += 1
    return pa.Table.from_pylist(rows, schema=GIVEN)


def question_ids(responses: Sequence[GivenResponse], questions: pa.Table, path: Path) -> list[str]:
    """The question of each response: by its text, and by an id that is the question's or begins it.

    Raises:
        StudyError: there is none, or more than one.
    """
    by_text: dict[str, list[str]] = {}
    columns = (questions[name].to_pylist() for name in ("question_id", "messages"))
    for name, messages in zip(*columns, strict=True):
        by_text.setdefault(_plain(messages[-1]["content"]), []).append(name)
    found = []
    for response in responses:
        named = response.question_id
        fitting = [
            name
            for name in by_text.get(_plain(response.question), [])
            if name == named or name.startswith(f"{named}.")
        ]
        if len(fitting) != 1:
            number = "no question" if not fitting else f"{len(fitting)} questions"
            raise StudyError(
                f"{path}, line {response.line}: the question set has {number} {named!r} "
                f"with the text {response.question[:60]!r}",
                "give the responses with the question set that was asked",
            )
        found.append(fitting[0])
    return found


def given_scores(responses: Sequence[GivenResponse]) -> list[Score]:
    """The scores that came with responses, in their order."""
    return [_score(response) for response in responses]


def _score(response: GivenResponse) -> Score:
    aligned, coherent = response.aligned, response.coherent
    if not response.response.strip():
        return Score(None, None, "empty")
    if isinstance(aligned, float) and isinstance(coherent, float):
        return Score(aligned, coherent, "scored")
    if isinstance(aligned, str):
        return Score(None, None, {"CODE": "code", "REFUSAL": "refusal"}[aligned])
    missing = "alignment" if aligned is None else "coherence"
    return Score(None, None, "unscored", f"the file gives no {missing}")


def _plain(text: str) -> str:
    """A text without differences of white space at its ends or of line breaks."""
    return text.replace("\r\n", "\n").strip()
