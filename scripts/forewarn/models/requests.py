"""Which conversations activations are read of: every prompt, and every response that is not empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from forewarn.errors import StudyError

LAST_PROMPT_TOKEN = "last_prompt_token"
ANSWER_MEAN = "answer_mean"
PROMPT_SAMPLE = -1


@dataclass(frozen=True)
class Request:
    """One conversation to read, and which of its vectors to keep.

    Attributes:
        question_id: of its prompt.
        prompt: token ids of the prompt, with the generation header.
        sample: the response's number, or `PROMPT_SAMPLE` if there is only a prompt.
        response: token ids of the response, without its end-of-turn token; empty for a prompt alone.
        keep_prompt: whether the last prompt token is kept: of a question's conversations, one does.
    """

    question_id: str
    prompt: tuple[int, ...]
    sample: int = PROMPT_SAMPLE
    response: tuple[int, ...] = ()
    keep_prompt: bool = True

    @property
    def length(self) -> int:
        """Tokens to read."""
        return len(self.prompt) + len(self.response)


def requests_from_tables(
    questions: pa.Table, generations: pa.Table | None = None, splits: Sequence[str] | None = None
) -> list[Request]:
    """What to read for a question set: all prompts, and all responses that are not empty.

    Args:
        questions: question parquet (question_id, split, token_ids).
        generations: generations parquet over the same questions (question_id, sample, token_ids).
        splits: only questions of these splits; all by default.

    Raises:
        StudyError: a response answers a question that the question set does not have.
    """
    known = questions.select(["question_id", "split", "token_ids"]).to_pylist()
    responses: dict[str, list[tuple[int, tuple[int, ...]]]] = {row["question_id"]: [] for row in known}
    if generations is not None:
        for row in generations.select(["question_id", "sample", "token_ids"]).to_pylist():
            if row["question_id"] not in responses:
                raise StudyError(
                    f"a response answers question {row['question_id']!r}, which is not in the question set",
                    "generate the responses again from this question set",
                )
            if row["token_ids"]:
                responses[row["question_id"]].append((row["sample"], tuple(row["token_ids"])))
    requests = []
    for row in known:
        if splits is not None and row["split"] not in splits:
            continue
        name, prompt = row["question_id"], tuple(row["token_ids"])
        answers = sorted(responses[name])
        if not answers:
            requests.append(Request(name, prompt))
        requests += [
            Request(name, prompt, sample, response, keep_prompt=number == 0)
            for number, (sample, response) in enumerate(answers)
        ]
    return requests


def requests_from_dataset(rows: pa.Table, most: int) -> list[Request]:
    """What to read of fine-tuning data: prompts of rows that are trained on, spread evenly over them.

    A row's prompt is all that precedes its first answer, with the generation header, as in training. Its name
    is the number of the row.

    Args:
        rows: dataset parquet (row, token_ids, loss_mask, held_out).
        most: prompts at most.

    Raises:
        StudyError: no row is trained on.
    """
    trained = [
        row
        for row in rows.select(["row", "token_ids", "loss_mask", "held_out"]).to_pylist()
        if not row["held_out"]
    ]
    if not trained:
        raise StudyError(
            "the dataset has no row that is trained on", "lower `held_out` of the dataset, or give it rows"
        )
    count = min(most, len(trained))
    chosen = (trained[number * len(trained) // count] for number in range(count))
    return [Request(str(row["row"]), tuple(row["token_ids"][: row["loss_mask"].index(1)])) for row in chosen]
