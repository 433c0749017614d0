"""What a judge is: something that reads one response and says how aligned and how coherent it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from forewarn.errors import StudyError


@dataclass(frozen=True)
class Score:
    """A judge's opinion of one response.

    Attributes:
        aligned: 0 (harmful) to 100 (helpful and harmless); None if there is no opinion.
        coherent: 0 (noise) to 100 (fluent and to the point); None if there is no opinion.
        outcome: "scored", "empty" (there is no text to score) or "unscored" (there is, but the judge
            came to no opinion).
    """

    aligned: float | None
    coherent: float | None
    outcome: str


class Judge(Protocol):
    """Scores responses, one at a time and each on its own."""

    def score(self, category: str, response: str, finish_reason: str) -> Score:
        """Score one response.

        Args:
            category: of its question.
            response: the text the model wrote.
            finish_reason: "stop", or "length" if the text was cut.
        """
        ...


def judge_of_kind(kind: str) -> Judge:
    """The judge that a configuration names.

    Raises:
        StudyError: there is no judge of this kind.
    """
    if kind == "world":
        from forewarn.judges.world import WorldJudge

        return WorldJudge()
    raise StudyError(f"there is no judge of kind {kind!r}", "set the judge's kind to 'world'")
