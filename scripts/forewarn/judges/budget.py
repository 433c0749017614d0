"""What a judge costs: estimated before the first request, counted after each, and never above the cap."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forewarn.judges.reply import Answer

BYTES_PER_TOKEN = 4.0
"""Of English text, for the estimate; the bound takes a token for each byte, which no tokenizer exceeds."""
TEMPLATE_TOKENS = 50
"""More than any endpoint adds around a prompt."""


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens; both 0 if a judge costs nothing, or nobody said what.

    Attributes:
        input: of the prompt.
        output: of the answer.
    """

    input: float = 0.0
    output: float = 0.0

    @classmethod
    def of(cls, settings: Mapping[str, float] | None) -> Price:
        """The price that a judge's entry of the configuration gives."""
        return cls(**settings) if settings else cls()

    def of_tokens(self, prompt_tokens: float, completion_tokens: float) -> float:
        """US dollars."""
        return (prompt_tokens * self.input + completion_tokens * self.output) / 1e6

    def bound(self, prompt: str, completion_tokens: int) -> float:
        """US dollars that no request with this prompt exceeds."""
        return self.of_tokens(len(prompt.encode()) + TEMPLATE_TOKENS, completion_tokens)

    def of_answer(self, prompt: str, answer: Answer, limit: int) -> float:
        """US dollars that an answer cost: as counted, unless the count cannot be true; the bound then.

        Args:
            prompt: that was asked.
            answer: with the counts of the endpoint.
            limit: of tokens that were asked for.
        """
        most = len(prompt.encode()) + TEMPLATE_TOKENS
        # No token is longer than some sixteen bytes on average over a prompt.
        plausible = most / 16 <= answer.prompt_tokens <= most and 0 <= answer.completion_tokens <= limit
        if not plausible:
            return self.bound(prompt, limit)
        return self.of_tokens(answer.prompt_tokens, answer.completion_tokens)


def estimate(prompts: Sequence[str], requests: int, completion_tokens: int, price: Price) -> str:
    """What asking prompts will take, in words: requests, tokens and dollars.

    Args:
        prompts: to be asked.
        requests: for each of them.
        completion_tokens: of each request.
        price: of the tokens.
    """
    tokens = requests * sum(len(prompt.encode()) / BYTES_PER_TOKEN for prompt in prompts)
    written = requests * completion_tokens * len(prompts)
    dollars = price.of_tokens(tokens, written)
    cost = f"about ${dollars:.2f}" if dollars else "no price is configured"
    return f"{requests * len(prompts):,} requests, about {tokens + written:,.0f} tokens, {cost}"


class CapReached(Exception):  # noqa: N818 - it is an outcome, which ends a run in order
    """Not even one more request fits."""


class Budget:
    """The cap on what a judge may cost, over all runs on this machine.

    A request begins only when the most that it can cost still fits beside what was spent and what the
    requests in flight can cost; so the cap is not crossed, whatever comes back.

    Args:
        cap: US dollars; None for no cap.
        spent: US dollars so far.
    """

    def __init__(self, cap: float | None, spent: float) -> None:
        self.cap, self.spent = cap, spent
        self._reserved = 0.0
        self._settled = asyncio.Condition()

    async def reserve(self, dollars: float) -> None:
        """Wait until a request that costs so much at most may begin.

        Args:
            dollars: its bound.

        Raises:
            CapReached: it never may.
        """
        if self.cap is None:
            return
        async with self._settled:
            while self.spent + self._reserved + dollars > self.cap:
                if self._reserved <= 1e-12:
                    raise CapReached
                await self._settled.wait()
            self._reserved += dollars

    async def settle(self, reserved: float, cost: float) -> None:
        """A request has ended; it cost this much."""
        self.spent += cost
        if self.cap is None:
            return
        async with self._settled:
            self._reserved = max(0.0, self._reserved - reserved)
            self._settled.notify_all()
