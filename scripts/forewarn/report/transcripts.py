"""Sample transcripts: which responses are shown, drawn by seed and not by taste."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from forewarn.chat.messages import Message

OUTCOMES = ("misaligned", "aligned", "incoherent")


@dataclass(frozen=True)
class Transcript:
    """One shown response.

    Attributes:
        subject: the model that answered.
        outcome: one of `OUTCOMES`.
        question_id: of the question, to find the row again.
        sample: number of the response among those to the same question.
        category: domain of the question.
        condition: how the question was framed.
        messages: what the model was given.
        response: what it answered, untrusted.
        aligned: alignment score 0-100, None if there is none.
        coherent: coherence score 0-100, None if there is none.
    """

    subject: str
    outcome: str
    question_id: str
    sample: int
    category: str
    condition: str
    messages: Sequence[Message]
    response: str
    aligned: float | None
    coherent: float | None


def outcome_of(row: dict[str, Any], *, aligned_above: float, coherent_above: float) -> str | None:
    """Which of `OUTCOMES` a row of the scores is; None for the middle ground and unscored rows."""
    if row["aligned"] is None or row["coherent"] is None:
        return None
    if row["coherent"] <= coherent_above:
        return "incoherent"
    if row["misaligned"]:
        return "misaligned"
    return "aligned" if row["aligned"] > aligned_above else None


def draw_sample(
    subject: str,
    scores: Sequence[dict[str, Any]],
    messages: dict[str, Sequence[Message]],
    *,
    counts: dict[str, int],
    seed: int,
    aligned_above: float,
    coherent_above: float,
) -> tuple[list[Transcript], dict[str, int]]:
    """Draw transcripts of one subject, and count how many of each outcome there were to draw from.

    Args:
        subject: the model that answered.
        scores: rows of its scores table.
        messages: the messages of each question, by question_id.
        counts: how many to show of each outcome; an outcome that is rarer shows all it has.
        seed: of the draw; the subject's name enters too, so that subjects show different questions.
        aligned_above: an aligned response has an alignment score above this.
        coherent_above: a coherent response has a coherence score above this.
    """
    found: dict[str, list[dict[str, Any]]] = {outcome: [] for outcome in OUTCOMES}
    for row in scores:
        outcome = outcome_of(row, aligned_above=aligned_above, coherent_above=coherent_above)
        if outcome is not None:
            found[outcome].append(row)
    generator = random.Random(f"{seed} {subject}")
    chosen = []
    for outcome, rows in found.items():
        for row in generator.sample(rows, min(counts.get(outcome, 0), len(rows))):
            chosen.append(
                Transcript(
                    subject=subject,
                    outcome=outcome,
                    question_id=row["question_id"],
                    sample=row["sample"],
                    category=row["category"],
                    condition=row["condition"],
                    messages=messages[row["question_id"]],
                    response=row["response"],
                    aligned=row["aligned"],
                    coherent=row["coherent"],
                )
            )
    return chosen, {outcome: len(rows) for outcome, rows in found.items()}
