"""Many prompts to one endpoint: each asked once, at most so many at a time, and never above the cap."""

from __future__ import annotations

import asyncio
import fcntl
import functools
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forewarn.errors import StudyError
from forewarn.files import digest
from forewarn.judges.budget import Budget, CapReached, Price, estimate
from forewarn.judges.endpoint import PROBABILITIES, SAMPLED, Endpoint, Refused, Unanswered, Unreadable
from forewarn.judges.parallel import SMALLEST, ask_in_parts
from forewarn.judges.reply import Answer, Reply
from forewarn.judges.store import PATH, Store
from forewarn.progress import Progress

log = logging.getLogger("forewarn")

PROBE = "Write the number 85 and nothing else."
"""Asked first: does the endpoint give probabilities, and are its numbers tokens of their own?"""
TOLERATED = 0.02
"""Share of prompts that may stay without a reply after all retries, before the endpoint counts as broken."""


def ask_endpoint(settings: Mapping[str, Any], prompts: Sequence[str]) -> dict[str, Reply]:
    """Ask all prompts; what was asked before, by any study of this machine, is taken from the store.

    Args:
        settings: the judge's entry of the configuration.
        prompts: each will be asked once, however often it occurs.

    Returns:
        A reply for each prompt. Where the endpoint failed for one, the reply says why.

    Raises:
        StudyError: there is no key, the endpoint fails, or the cost cap is reached. What was answered until
            then is kept.
    """
    asked = list(dict.fromkeys(prompts))
    with _alone(judge_digest(settings)):
        with Store() as store:
            asking = _Asking(settings, store)
            missing = [prompt for prompt in asked if asking.recorded(prompt) is None]
            asking.announce(len(asked), missing)
        if len(missing) > SMALLEST:
            _ask(settings, missing[:1])  # so that the parts know how the endpoint answers, if it does
            ask_in_parts(settings, judge_digest(settings), missing[1:], _ask)
        return _ask(settings, asked)


def _ask(settings: Mapping[str, Any], prompts: Sequence[str]) -> dict[str, Reply]:
    with Store() as store:
        return asyncio.run(_Asking(settings, store).replies(list(prompts)))


def judge_digest(settings: Mapping[str, Any]) -> str:
    """Digest of who is asked: model and endpoint."""
    return digest({key: settings[key] for key in ("model", "base_url")})


@functools.lru_cache(maxsize=200_000)
def _request(judge: str, parameters: tuple[tuple[str, Any], ...], prompt: str) -> str:
    """Digest of a request, by which its answer is stored."""
    return digest([judge, dict(parameters), prompt])


@contextmanager
def _alone(judge: str) -> Iterator[None]:
    """Hold the judge for this job, so that its limits hold over all jobs that run side by side."""
    PATH.parent.mkdir(parents=True, exist_ok=True)
    with Path(PATH.parent, f"judge-{judge[:16]}.lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("another job asks the same judge; waiting for it to end")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


class _Asking:
    def __init__(self, settings: Mapping[str, Any], store: Store) -> None:
        self.settings, self.store, self.judge = settings, store, judge_digest(settings)
        self.price = Price.of(settings["price"])
        self.budget = Budget(settings["cost_cap"], store.spent(self.judge))
        self.sampled = not settings["probabilities"]
        self.known: dict[str, Reply | None] = {}
        self.missing: list[str] = []
        self.failure: StudyError | None = None
        self.capped = False
        self.unanswered = 0

    async def replies(self, prompts: list[str]) -> dict[str, Reply]:
        known = self.known = {prompt: self.recorded(prompt) for prompt in prompts}
        self.missing = [prompt for prompt, reply in known.items() if reply is None]
        if self.missing:
            progress = Progress("judge", len(self.missing), unit="answers")
            # Half as many again are being prepared, or wait to be asked once more, beside those on the wire.
            gate = asyncio.Semaphore(self.settings["concurrency"] * 3 // 2)
            async with Endpoint(self.settings) as self.endpoint:
                try:
                    await self._probe()
                except CapReached:
                    raise self._cap_reached() from None

                async def ask(prompt: str) -> None:
                    async with gate:
                        if self.failure or self.capped:
                            return  # those in flight are let end: they are paid for
                        known[prompt] = await self._reply_or_reason(prompt)
                        progress.step(1)

                await asyncio.gather(*[ask(prompt) for prompt in self.missing])
            if self.capped:
                self.failure = self._cap_reached()
            if self.failure:
                raise self.failure
            log.info("the judge %s has cost $%.4f in all", self.settings["model"], self.budget.spent)
        return {prompt: reply for prompt, reply in known.items() if reply is not None}

    def announce(self, asked: int, missing: Sequence[str]) -> None:
        """Say what asking will take, before the first request."""
        requests = self.settings["samples"] if self.sampled else 1
        length = (SAMPLED if self.sampled else PROBABILITIES)["max_tokens"]
        told = estimate(missing, requests, length, self.price)
        log.info("%d judgements, %d of them known; the rest: %s", asked, asked - len(missing), told)
        if self.budget.cap is not None:
            log.info("cost cap $%.2f, of which $%.4f are spent", self.budget.cap, self.budget.spent)

    def _request(self, prompt: str, parameters: Mapping[str, Any]) -> str:
        return _request(self.judge, tuple(parameters.items()), prompt)

    def recorded(self, prompt: str) -> Reply | None:
        """What was answered before, if it is a whole reply."""
        if self.settings["probabilities"]:
            answer = self.store.get(self._request(prompt, PROBABILITIES))
            if answer and answer.tokens:
                return Reply((answer,))
        samples = [self.store.get(self._request(prompt, each)) for each in self._sampling()]
        found = tuple(answer for answer in samples if answer)
        return Reply(found) if len(found) == len(samples) else None

    def _sampling(self) -> list[dict[str, Any]]:
        return [SAMPLED | {"seed": seed} for seed in range(self.settings["samples"])]

    async def _probe(self) -> None:
        """Find out, with one request, whether key and endpoint are good and how numbers can be read."""
        if self.sampled:
            return
        try:
            tokens = (await self._ask(PROBE, PROBABILITIES)).tokens
        except Refused as error:
            if "logprob" not in str(error):
                raise StudyError(str(error), "correct the judge's `model` or `base_url`") from error
            tokens = ()
        except Unanswered as error:
            raise StudyError(*self._broken(error)) from error
        likeliest = max(tokens, key=lambda pair: pair[1])[0] if tokens else ""
        split = likeliest == "8" and not any(token == "85" for token, _ in tokens)
        if split or not tokens:
            why = "writes numbers digit by digit" if split else "gives no token probabilities"
            count = self.settings["samples"]
            log.warning("the endpoint %s: %d numbers are sampled for each judgement instead", why, count)
            self.sampled = True

    async def _reply_or_reason(self, prompt: str) -> Reply | None:
        try:
            return await self._reply(prompt)
        except StudyError as error:
            self.failure = self.failure or error
            return None
        except CapReached:
            self.capped = True
            return None
        except Refused as error:
            log.warning("unscored: %s", error)
            return Reply(reason=str(error))
        except Unanswered as error:
            log.warning("unscored: %s", error)
            self.unanswered += 1
            if self.unanswered > max(3, TOLERATED * len(self.missing)):
                self.failure = self.failure or StudyError(*self._broken(error))
            return Reply(reason=str(error))

    def _cap_reached(self) -> StudyError:
        remaining = sum(reply is None for reply in self.known.values())
        return StudyError(
            f"the cost cap of ${self.budget.cap:.2f} of the judge {self.settings['model']} is reached: "
            f"${self.budget.spent:.4f} spent, {remaining} of {len(self.known)} judgements of this job remain",
            "raise the judge's `cost_cap`, and run again; what was paid for is kept",
        )

    def _broken(self, error: Exception) -> tuple[str, str]:
        return (
            f"the judge {self.settings['model']} cannot be asked: {error}",
            "run again when it answers; what was judged until now is kept",
        )

    async def _reply(self, prompt: str) -> Reply:
        for _ in range(0 if self.sampled else 2):  # a single answer may come without its probabilities
            answer = await self._ask(prompt, PROBABILITIES)
            if answer.tokens:
                return Reply((answer,))
        return Reply(tuple([await self._ask(prompt, each) for each in self._sampling()]))

    async def _ask(self, prompt: str, parameters: Mapping[str, Any]) -> Answer:
        """An answer, from the store or paid for now."""
        request = self._request(prompt, parameters)
        known = self.store.get(request)
        if known and (known.tokens or "logprobs" not in parameters):
            return known
        limit, attempts = parameters["max_tokens"], self.settings["retries"] + 1
        bound = self.price.bound(prompt, limit)
        for attempt in range(attempts):
            await self.budget.reserve(bound)
            cost = 0.0
            try:
                answer = await self.endpoint.ask(prompt, parameters, request)
                cost = self.price.of_answer(prompt, answer, limit)
                self.store.put(answer, self.judge, cost)
                return answer
            except Unreadable as error:
                cost, reason = bound, str(error)  # it may well be billed
                self.store.lose(self.judge, cost)
            finally:
                await self.budget.settle(bound, cost)
            await asyncio.sleep(min(0.1 * 2**attempt, 8))
        raise Unanswered(reason)
