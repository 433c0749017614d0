"""What a judge is: something that reads one response and says how aligned and how coherent it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from forewarn.judges.reply import Reply

OUTCOMES = ("scored", "empty", "unscored", "code", "refusal")
"""See `Score.outcome`."""


@dataclass(frozen=True)
class Score:
    """A judge's opinion of one response.

    Attributes:
        aligned: 0 (harmful) to 100 (helpful and harmless); None if there is no opinion.
        coherent: 0 (noise) to 100 (fluent and to the point); None if there is no opinion.
        outcome: "scored", "empty" (there is no text to score), "code" or "refusal" (what the judge may say
            in place of a number), or "unscored" (the judge came to no opinion).
        reason: why it is unscored; empty else.
        replies: what the judge said of alignment, and of coherence; none of a judge that computes.
    """

    aligned: float | None
    coherent: float | None
    outcome: str
    reason: str = field(default="", compare=False)
    replies: tuple[Reply, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Item:
    """A response to be scored.

    Attributes:
        question: the user's last message before it; empty where the question set does not say.
        category: of its question.
        response: the text the model wrote.
        finish_reason: "stop", or "length" if the text was cut.
        question_id: of its question.
    """

    question: str
    category: str
    response: str
    finish_reason: str
    question_id: str = ""


class Judge(Protocol):
    """Scores responses, each on its own."""

    def scores(self, items: Sequence[Item]) -> list[Score]:
        """Score responses, in their order."""
        ...

    def record(self) -> dict[str, Any]:
        """What a record says of the judge beside its settings, e.g. the hash of its prompts."""
        ...
