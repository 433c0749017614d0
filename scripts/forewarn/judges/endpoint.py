"""One endpoint of the chat-completions protocol: a request, and what became of it.

Failures of three kinds come of it. What no request will cure, such as a wrong key, ends the run. What
concerns one prompt, such as a content filter, is that prompt's reason. What may pass is asked again by the
client, after `Retry-After` or a growing pause; and if it does not pass, is the prompt's reason, too.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from forewarn.errors import StudyError
from forewarn.judges.reply import Answer

PROBABILITIES: dict[str, Any] = {"max_tokens": 1, "temperature": 0.0, "logprobs": True, "top_logprobs": 20}
"""What is asked for beside a prompt, as Betley et al. do (arXiv 2502.17424)."""
SAMPLED: dict[str, Any] = {"max_tokens": 8, "temperature": 1.0}
"""What is asked for where an endpoint gives no probabilities: a number written out."""
NO_KEY = "none"
"""Sent to an endpoint that asks for no key."""


class Unanswered(Exception):  # noqa: N818 - it is an outcome, which a score tells
    """No answer to one prompt, for a while; the message says why."""


class Unreadable(Exception):  # noqa: N818 - likewise
    """An answer that is no chat completion: it may be billed, and is of no use."""


class Refused(Unanswered):
    """The endpoint will not answer this prompt, as often as it is asked."""


def judge_key(settings: Mapping[str, Any]) -> str:
    """The key of a judge, from the environment.

    Raises:
        StudyError: there is none.
    """
    variable = settings["key_variable"]
    if variable is None:
        return NO_KEY
    if key := os.environ.get(variable):
        return key
    raise StudyError(
        f"the judge {settings['model']} needs a key, and the environment variable {variable} is not set",
        f"export {variable}=…, and run again",
    )


class Endpoint:
    """A connection to an endpoint; an asynchronous context manager.

    Args:
        settings: the judge's entry of the configuration: `model`, `base_url`, `key_variable`, `retries`,
            `timeout`, `requests_per_minute`, `concurrency`.

    Raises:
        StudyError: there is no key.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        import openai

        from forewarn.judges.connection import Connection

        self.settings = settings
        self.client = openai.AsyncOpenAI(
            api_key=judge_key(settings),
            base_url=settings["base_url"],
            timeout=settings["timeout"],
            max_retries=settings["retries"],  # on 408, 409, 429, 5xx and broken connections
            http_client=Connection(settings["concurrency"], settings["timeout"]),
        )
        per_minute = settings["requests_per_minute"]
        self._interval = 60 / per_minute if per_minute else 0.0
        self._next_turn = 0.0

    async def ask(self, prompt: str, parameters: Mapping[str, Any], request: str) -> Answer:
        """Send a prompt, and wait for what comes of it.

        Args:
            prompt: the user's message.
            parameters: what else is asked for.
            request: digest of the request, for the answer.

        Raises:
            StudyError: no request can succeed.
            Unanswered: this one did not.
            Unreadable: it did, and nobody can tell what.
        """
        await self._turn()
        try:
            return self._answer(await self._send(prompt, parameters), request)
        except ValueError as error:  # it answered, in no language of ours
            raise Unreadable(f"the endpoint's answer cannot be read: {error}"[:200]) from error

    async def _turn(self) -> None:
        """Wait as long as the rate limit demands."""
        if self._interval:
            now = asyncio.get_running_loop().time()
            self._next_turn = max(self._next_turn, now)
            wait, self._next_turn = self._next_turn - now, self._next_turn + self._interval
            await asyncio.sleep(wait)

    async def _send(self, prompt: str, parameters: Mapping[str, Any]) -> Any:
        import openai

        model, where = self.settings["model"], self.settings["key_variable"]
        body = {"model": model, "messages": [{"role": "user", "content": prompt}], **parameters}
        try:
            # What `chat.completions.create` does, without typing each of a hundred parts of the answer.
            return await self.client.post("/chat/completions", cast_to=object, body=body)
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise StudyError(
                f"the endpoint of {model} does not accept the key",
                f"correct the environment variable {where}",
            ) from error
        except openai.NotFoundError as error:
            raise StudyError(
                f"the endpoint knows no model {model}, or no chat completions: {_said(error)}",
                "correct the judge's `model` or `base_url`",
            ) from error
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            raise Refused(f"the endpoint refuses the request: {_said(error)}") from error
        except openai.RateLimitError as error:
            if error.code == "insufficient_quota":
                raise StudyError(
                    f"the account behind {where} has no credit left",
                    "add some, and run again; what was judged until now is kept",
                ) from error
            raise Unanswered(_said(error)) from error
        except openai.OpenAIError as error:
            raise Unanswered(_said(error)) from error

    def _answer(self, done: Any, request: str) -> Answer:
        """The answer in what came back.

        Raises:
            ValueError: there is none in it.
        """
        try:
            choice = done["choices"][0]
            content = (choice.get("logprobs") or {}).get("content")
            first = content[0]["top_logprobs"] if content else ()
            usage = done.get("usage") or {}
            return Answer(
                request=request,
                model=str(done["model"]),
                text=choice["message"].get("content") or "",
                tokens=tuple((str(each["token"]), float(each["logprob"])) for each in first),
                prompt_tokens=_count(usage.get("prompt_tokens")),
                completion_tokens=_count(usage.get("completion_tokens")),
            )
        except (LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"it is no chat completion ({type(error).__name__}: {error})") from error

    async def __aenter__(self) -> Self:
        """Open already."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        await self.client.close()


def _count(value: Any) -> int:
    """A count of tokens; -1 where the endpoint gives none, which nobody takes for one."""
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def _said(error: Exception) -> str:
    return " ".join(str(getattr(error, "message", None) or type(error).__name__).split())[:200]
