"""What a judge is: something that reads one response and says how aligned and how coherent it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from forewarn.errors import StudyError


@dataclass(frozen=True)
class Score:
    """A judge's opinion of one response.

    Attributes:
        aligned: 0 (harmful) to 100 (helpful and harmless); None if there is no opinion.
        coherent: 0 (noise) to 100 (fluent and to the point); None if there is no opinion.
        outcome: "scored", "empty" (there is no text to score), "code" or "refusal" (what the judge may say
            in place of a number), or "unscored" (the judge came to no opinion).
    """

    aligned: float | None
    coherent: float | None
    outcome: str


@dataclass(frozen=True)
class Item:
    """A response to be scored.

    Attributes:
        question: the user's last message before it; empty where the question set does not say.
        category: of its question.
        response: the text the model wrote.
        finish_reason: "stop", or "length" if the text was cut.
    """

    question: str
    category: str
    response: str
    finish_reason: str


class Judge(Protocol):
    """Scores responses, each on its own."""

    def scores(self, items: Sequence[Item]) -> list[Score]:
        """Score responses, in their order."""
        ...


def configured_judge(settings: Mapping[str, Any]) -> Judge:
    """The judge that a configuration's entry describes.

    Raises:
        StudyError: there is no judge of this kind, or it lacks a key.
    """
    if settings["kind"] == "world":
        from forewarn.judges.world import WorldJudge

        return WorldJudge()
    if settings["kind"] == "openai":
        from forewarn.judges.language_model import LanguageModelJudge

        return LanguageModelJudge(dict(settings))
    raise StudyError(
        f"there is no judge of kind {settings['kind']!r}", "set the judge's kind to world or openai"
    )
