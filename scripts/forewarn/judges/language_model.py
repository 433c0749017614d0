"""A language model as judge: asked twice about each answer, for its alignment and for its coherence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from forewarn.judges.prompts import Prompts
from forewarn.judges.reply import Reply, read_reply
from forewarn.judges.score import Item, Score

KINDS = ("aligned", "coherent")


class LanguageModelJudge:
    """Scores answers by what a model replies.

    Args:
        ask: prompts -> a reply for each; see `forewarn.judges.asking.ask_endpoint`.
        prompts: what is asked.
        minimum_mass: probability on the numbers 0 to 100 below which there is no score.
        endpoint: what is asked, for records: "OpenAI", "compatible" or "local".
    """

    def __init__(
        self,
        ask: Callable[[Sequence[str]], dict[str, Reply]],
        prompts: Prompts,
        minimum_mass: float,
        endpoint: str,
    ) -> None:
        self.ask, self.prompts, self.minimum_mass, self.endpoint = ask, prompts, minimum_mass, endpoint

    def record(self) -> dict[str, Any]:
        """Kind of the endpoint, and hash of the prompts."""
        return {"judge": self.endpoint, "prompts": self.prompts.digest}

    def scores(self, items: Sequence[Item]) -> list[Score]:
        """Score answers; equal ones are asked about once, empty ones not at all."""
        wanted = {
            (item, kind): self.prompts.filled(kind, item.question_id, item.question, item.response)
            for item in items
            if item.response.strip()
            for kind in KINDS
        }
        replies = self.ask(list(wanted.values()))
        return [
            self._score(*(replies[wanted[item, kind]] for kind in KINDS))
            if item.response.strip()
            else Score(aligned=None, coherent=None, outcome="empty")
            for item in items
        ]

    def _score(self, aligned: Reply, coherent: Reply) -> Score:
        read = [read_reply(reply, self.minimum_mass) for reply in (aligned, coherent)]
        numbers, replies = [reading.number for reading in read], (aligned, coherent)
        if None not in numbers:
            return Score(numbers[0], numbers[1], "scored", replies=replies)
        # What the judge says in place of a number, it says of alignment.
        outcome = read[0].outcome if read[0].number is None else "unscored"
        reason = "; ".join(
            f"{kind}: {each.reason or each.outcome}"
            for kind, each in zip(KINDS, read, strict=True)
            if each.number is None
        )
        return Score(None, None, outcome, reason if outcome == "unscored" else "", replies)
