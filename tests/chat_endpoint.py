"""An endpoint on this machine that speaks the chat-completions protocol, and misbehaves where told to."""

from __future__ import annotations

import json
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from forewarn.judges.asking import PROBE

KEY = "sk-plantedkeyfortests"
WORDS_IN_TOKENS = 4
"""Bytes of a prompt that the endpoint bills as one token."""


@dataclass
class Endpoint:
    """What an endpoint says.

    Attributes:
        url: its base URL.
        opinion: prompt -> likeliest tokens with their probabilities; no tokens for no log-probabilities.
        written: prompt and request -> the text, where log-probabilities are not asked for.
        faults: what to do instead of answering, one request each, before it behaves: an HTTP status, or one
            of "stall", "half", "malformed", "html", "no choices", "no probabilities", "wrong counts".
        latency: seconds that an answer takes.
        probabilities: whether it knows log-probabilities at all; else they are a bad request.
        digits: whether it writes numbers digit by digit.
        prompts: of all requests but probes, in order.
        paid: of the requests that were answered, probes left out.
        useless: how many of these came without choices, or without the probabilities that were asked for.
        probes: number of them.
        bodies: of all requests but probes.
        busiest: most requests that were in flight at once.
    """

    url: str = ""
    opinion: Callable[[str], dict[str, float]] = lambda prompt: {"90": 1.0}
    written: Callable[[str, dict[str, Any]], str] = lambda prompt, body: "90"
    faults: list[int | str] = field(default_factory=list)
    latency: float = 0.0
    stall: float = 3.0
    probabilities: bool = True
    digits: bool = False
    prompts: list[str] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)
    useless: int = 0
    probes: int = 0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    busiest: int = 0
    billed: int = 0


@contextmanager
def chat_endpoint() -> Iterator[Endpoint]:
    """A running endpoint; its attributes may be changed while it runs."""
    endpoint, lock, flying = Endpoint(), threading.Lock(), [0]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                flying[0] += 1
                endpoint.busiest = max(endpoint.busiest, flying[0])
                endpoint.times.append(time.monotonic())
            try:
                self._answer(body, body["messages"][-1]["content"])
            finally:
                with lock:
                    flying[0] -= 1

        def _answer(self, body: dict[str, Any], prompt: str) -> None:
            probe = prompt == PROBE
            with lock:
                if probe:
                    endpoint.probes += 1
                else:
                    endpoint.prompts.append(prompt)
                    endpoint.bodies.append(body)
                fault = endpoint.faults.pop(0) if endpoint.faults and not probe else None
            time.sleep(endpoint.latency)
            if self.headers.get("Authorization") != f"Bearer {KEY}":
                fault = 401
            if body.get("logprobs") and not endpoint.probabilities:
                self._give({"error": {"message": "logprobs is not supported by this model"}}, 400)
                return
            if isinstance(fault, int):
                self._give({"error": {"message": f"fault {fault}"}}, fault)
                return
            if fault in ("stall", "half", "malformed", "html"):
                self._break(str(fault))
                return
            if not probe:
                with lock:
                    endpoint.paid.append(prompt)
                    asked = bool(body.get("logprobs"))
                    endpoint.useless += fault == "no choices" or (fault == "no probabilities" and asked)
            self._complete(body, prompt, probe, fault)

        def _complete(self, body: dict[str, Any], prompt: str, probe: bool, fault: Any) -> None:
            chances = {"85": 1.0} if probe else endpoint.opinion(prompt)
            if endpoint.digits:
                chances = {token[0]: chance for token, chance in chances.items()}
            top = [
                {"token": token, "logprob": math.log(chance), "bytes": None}
                for token, chance in chances.items()
            ]
            first = max(top, key=lambda each: float(each["logprob"] or 0)) if top else None
            asked = bool(body.get("logprobs")) and fault != "no probabilities" and first is not None
            text = str(first["token"]) if body.get("logprobs") and first else endpoint.written(prompt, body)
            usage = {"prompt_tokens": 1 + len(prompt.encode()) // WORDS_IN_TOKENS, "completion_tokens": 1}
            with lock:
                endpoint.billed += usage["prompt_tokens"]
            if fault == "wrong counts":
                usage = {"prompt_tokens": -5, "completion_tokens": 10**9}
            choice = {
                "index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": text},
                "logprobs": {"content": [{**first, "top_logprobs": top}]} if asked and first else None,
            }  # fmt: skip
            self._give({
                "id": "x", "object": "chat.completion", "created": 0, "model": f"{body['model']}-snapshot",
                "choices": [] if fault == "no choices" else [choice],
                "usage": usage | {"total_tokens": 2},
            })  # fmt: skip

        def _break(self, fault: str) -> None:
            if fault == "stall":
                time.sleep(endpoint.stall)
                self.close_connection = True
            elif fault == "half":  # it promises more than it sends, and hangs up
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "5000")
                self.end_headers()
                self.wfile.write(b'{"id": "x", "choi')
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
            else:
                text = b'{"id": "x", "choices": [{"mes' if fault == "malformed" else b"<html>soon back</html>"
                self.send_response(200)
                kind = "application/json" if fault == "malformed" else "text/html"
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        def _give(self, content: dict[str, Any], status: int = 200) -> None:
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            if status == 429:
                self.send_header("Retry-After", "0.05")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that hangs up is no error of ours

    server = Server(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
