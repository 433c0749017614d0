"""The wire to an endpoint: so many requests at most are on it at a time, and none is there without need.

A judge answers in a tenth of a second, and making a request and reading its answer take milliseconds of this
machine. A slot held for that, too, would stand idle at the endpoint; so it is held from sending to receiving.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import cache
from typing import Any

import httpx2
import openai


class Connection(openai.DefaultAioHttpClient):
    """An HTTP client for `openai.AsyncOpenAI` (the default one spends dozens of requests on its own pool).

    Args:
        concurrency: requests on the wire at most.
        timeout: seconds.
    """

    def __init__(self, concurrency: int, timeout: float) -> None:
        super().__init__(timeout=timeout, verify=_certificates())
        self._slots = asyncio.Semaphore(concurrency)

    async def send(self, request: Any, **options: Any) -> Any:
        """Send a request when a slot is free, and wait for the whole answer."""
        async with self._slots:
            response = await super().send(request, **options)
            await response.aread()
        await asyncio.sleep(0)  # the next request goes out before this answer is worked on
        return response


@cache
def _certificates() -> ssl.SSLContext:
    """Whom to trust; reading the list takes a tenth of a second, and one does for all processes."""
    return httpx2.create_ssl_context()
