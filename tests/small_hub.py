"""A hub on this machine that speaks as much of the Hugging Face hub's protocol as its client needs."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

TOKEN = "hf_plantedtokenfortests"


@dataclass
class SmallHub:
    """What the hub has.

    Attributes:
        url: its address.
        models: name -> folder with the files of its newest commit.
        gated: names that need `TOKEN`.
        asked: method and path of every request.
    """

    url: str = ""
    models: dict[str, Path] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def commit(self, name: str) -> str:
        """The newest commit of a model: a hash of its files."""
        state = hashlib.sha1()
        for path in sorted(self.models[name].iterdir()):
            state.update(path.name.encode() + path.read_bytes())
        return state.hexdigest()


@contextmanager
def small_hub() -> Iterator[SmallHub]:
    """A running hub; `models` may be changed while it runs."""
    hub = SmallHub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(send=False)

        def do_GET(self) -> None:
            self._answer(send=True)

        def _answer(self, send: bool) -> None:
            path = unquote(urlsplit(self.path).path).strip("/")
            hub.asked.append(f"{self.command} {path}")
            if path.startswith("api/models/"):
                asked = path.removeprefix("api/models/")
                if "/tree/" in asked:
                    name, _, revision = asked.partition("/tree/")
                    self._tree(name, revision, send)
                else:
                    name, _, revision = asked.partition("/revision/")
                    self._info(name, revision or "main", send)
            elif "/resolve/" in path:
                name, _, rest = path.partition("/resolve/")
                revision, _, file = rest.partition("/")
                self._file(name, revision, file, send)
            else:
                self._refuse(404, "EntryNotFound")

        def _known(self, name: str, revision: str) -> bool:
            if name not in hub.models:
                self._refuse(404, "RepoNotFound")
            elif name in hub.gated and self.headers.get("authorization") != f"Bearer {TOKEN}":
                self._refuse(403, "GatedRepo")
            elif revision not in ("main", hub.commit(name)):
                self._refuse(404, "RevisionNotFound")
            else:
                return True
            return False

        def _info(self, name: str, revision: str, send: bool) -> None:
            if not self._known(name, revision):
                return
            siblings = []
            for path in sorted(hub.models[name].iterdir()):
                content = path.read_bytes()
                entry = {"rfilename": path.name, "size": len(content), "blobId": _etag(content)}
                if path.suffix == ".safetensors":
                    entry["lfs"] = {"sha256": _etag(content), "size": len(content), "pointerSize": 100}
                siblings.append(entry)
            info = {"id": name, "modelId": name, "sha": hub.commit(name), "siblings": siblings, "tags": []}
            self._give(json.dumps(info).encode(), send, {"Content-Type": "application/json"})

        def _tree(self, name: str, revision: str, send: bool) -> None:
            if not self._known(name, revision):
                return
            entries = []
            for path in sorted(hub.models[name].iterdir()):
                content = path.read_bytes()
                entry = {"type": "file", "path": path.name, "size": len(content), "oid": _etag(content)}
                if path.suffix == ".safetensors":
                    entry["lfs"] = {"oid": _etag(content), "size": len(content), "pointerSize": 100}
                entries.append(entry)
            self._give(json.dumps(entries).encode(), send, {"Content-Type": "application/json"})

        def _file(self, name: str, revision: str, file: str, send: bool) -> None:
            if not self._known(name, revision):
                return
            path = hub.models[name] / file
            if not path.is_file():
                self._refuse(404, "EntryNotFound")
                return
            content = path.read_bytes()
            self._give(content, send, {"ETag": f'"{_etag(content)}"', "X-Repo-Commit": hub.commit(name)})

        def _give(self, content: bytes, send: bool, headers: dict[str, str]) -> None:
            self.send_response(200)
            for key, value in (headers | {"Content-Length": str(len(content))}).items():
                self.send_header(key, value)
            self.end_headers()
            if send:
                self.wfile.write(content)

        def _refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _etag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
