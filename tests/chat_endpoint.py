"""An endpoint on this machine that speaks the chat-completions protocol, with log-probabilities."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-plantedkeyfortests"


@dataclass
class Endpoint:
    """What an endpoint says.

    Attributes:
        url: its base URL.
        opinion: prompt -> likeliest tokens with their probabilities.
        faults: HTTP statuses to answer with, one request each, before it behaves.
        latency: seconds that an answer takes.
        prompts: of all requests, in order.
        paid: of the requests that were answered.
    """

    url: str = ""
    opinion: Callable[[str], dict[str, float]] = lambda prompt: {"90": 1.0}
    faults: list[int] = field(default_factory=list)
    latency: float = 0.0
    prompts: list[str] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def chat_endpoint() -> Iterator[Endpoint]:
    """A running endpoint; its attributes may be changed while it runs."""
    endpoint, lock = Endpoint(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = body["messages"][-1]["content"]
            with lock:
                endpoint.prompts.append(prompt)
                endpoint.bodies.append(body)
                fault = endpoint.faults.pop(0) if endpoint.faults else None
            time.sleep(endpoint.latency)
            if self.headers.get("Authorization") != f"Bearer {KEY}":
                fault = 401
            if fault is not None:
                self._give({"error": {"message": f"fault {fault}"}}, fault)
                return
            chances = endpoint.opinion(prompt)
            with lock:
                endpoint.paid.append(prompt)
            top = [
                {"token": token, "logprob": math.log(chance), "bytes": None}
                for token, chance in chances.items()
            ]
            first = max(top, key=lambda each: float(each["logprob"] or 0)) if top else None
            content = [{**first, "top_logprobs": top}] if first else []
            self._give({
                "id": "x", "object": "chat.completion", "created": 0, "model": f"{body['model']}-snapshot",
                "choices": [{
                    "index": 0, "finish_reason": "length", "logprobs": {"content": content},
                    "message": {"role": "assistant", "content": first["token"] if first else ""},
                }],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            })  # fmt: skip

        def _give(self, content: dict[str, Any], status: int = 200) -> None:
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            if status == 429:
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
