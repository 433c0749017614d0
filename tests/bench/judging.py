"""What asking a judge costs in time: many requests at once, beside one at a time and beside the ideal.

A server in a process of its own answers each request after a fixed latency. The ideal is latency times
requests over concurrency, with nothing computed at all.

    python tests/bench/judging.py [--calls 2000] [--latency 0.1] [--concurrency 64]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2] / "scripts")]

from forewarn.judges.asking import ask_endpoint  # noqa: E402

TOKEN = {"token": "85", "logprob": -0.1, "bytes": None}
SETTINGS: dict[str, Any] = {
    "model": "judge", "key_variable": None, "retries": 2, "timeout": 30.0, "requests_per_minute": None,
    "probabilities": True, "samples": 1, "price": None, "cost_cap": None,
}  # fmt: skip


def serve(latency: float, port: Any) -> None:
    """Answer chat completions for ever, as cheaply as can be."""
    choice = {
        "index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "85"},
        "logprobs": {"content": [{**TOKEN, "top_logprobs": [TOKEN] * 20}]},
    }  # fmt: skip
    content = json.dumps({
        "id": "x", "object": "chat.completion", "created": 0, "model": "judge", "choices": [choice],
        "usage": {"prompt_tokens": 400, "completion_tokens": 1, "total_tokens": 401},
    }).encode()  # fmt: skip
    fields = f"Content-Type: application/json\r\nContent-Length: {len(content)}"
    head = f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(request.partition(b"content-length:")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                await asyncio.sleep(latency)
                writer.write(head + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def seconds(url: str, prompts: list[str], concurrency: int) -> float:
    """Time to ask all prompts, imports and the first request left out."""
    settings = SETTINGS | {"base_url": url, "concurrency": concurrency}
    ask_endpoint(settings, ["warm up"])
    begin = time.perf_counter()
    ask_endpoint(settings, prompts)
    return time.perf_counter() - begin


def main() -> None:
    """Print the times and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--latency", type=float, default=0.1)
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.Process(target=serve, args=(options.latency, sender), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{receiver.recv()}/v1"
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        text = "An answer of common length, with some words in it. " * 30
        prompts = [f"{text} {number}" for number in range(options.calls)]
        serial = 20
        alone = seconds(url, [f"{prompt} alone" for prompt in prompts[:serial]], 1) / serial * options.calls
        together = seconds(url, prompts, options.concurrency)
    server.terminate()
    ideal = options.calls * options.latency / options.concurrency
    asked = f"{options.calls:,} calls at {1000 * options.latency:.0f} ms, {options.concurrency} at once"
    print(
        f"judge: {asked}: {together:.1f} s, {together / ideal:.2f} times the ideal; "
        f"{alone / together:.0f} times as fast as one at a time ({alone:.0f} s, from {serial} calls)"
    )


if __name__ == "__main__":
    main()
