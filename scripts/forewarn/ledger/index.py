"""What is known of files without reading them again: hashes, and what was read from records and sources.

An entry holds as long as the file's size, times, and inode do. The change time (ctime) is among them, which
no one can set: a file that was altered and given its old modification time is read again. So is a file that
moved here from another place, and one that changed so shortly before it was read that a second change would
have left the same times.

The index is a cache and nothing else: deleted, it is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TICK = 0.02
"""Seconds within which a file system may give two changes the same time."""

PATH = Path(".forewarn/ledger.sqlite")
"""Where the index of a project lies; relative, like all paths in it, so that a project can be moved."""


class Index:
    """Facts about files, kept in an SQLite file; any number of processes may use it at once.

    Args:
        path: the SQLite file.
    """

    def __init__(self, path: Path = PATH) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        try:
            self._open()
        except sqlite3.DatabaseError:  # a torn file; nothing in it is worth an error
            path.unlink(missing_ok=True)
            self._open()

    def _open(self) -> None:
        self._base = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        self._base.execute(
            "create table if not exists facts"
            " (kind text, path text, state text, fact text, primary key (kind, path)) without rowid"
        )
        rows = self._base.execute("select kind, path, state, fact from facts")
        self._known = {(kind, path): (state, fact) for kind, path, state, fact in rows}
        self._new: dict[tuple[str, str], tuple[str, str]] = {}

    def __enter__(self) -> Index:
        """Open for a `with` block, at whose end everything learned is kept."""
        return self

    def __exit__(self, *_: object) -> None:
        """Keep what was learned, and close."""
        self.save()
        self._base.close()

    def save(self) -> None:
        """Keep what was learned."""
        rows = [(*key, *value) for key, value in self._new.items()]
        self._base.execute("begin immediate")
        self._base.executemany("insert or replace into facts values (?, ?, ?, ?)", rows)
        self._base.execute("commit")
        self._new.clear()

    def md5(self, path: Path, status: os.stat_result | None = None) -> str:
        """The md5 of a file's content, by which DVC knows files; read only if the file may have changed.

        Args:
            path: the file.
            status: what `stat` says of it, if that is known already.
        """
        fact: str = self.fact("md5", path, _md5, status)
        return fact

    def fact(
        self, kind: str, path: Path, read: Callable[[Path], Any], status: os.stat_result | None = None
    ) -> Any:
        """What `read` (to a JSON value) says of a file; called only if the file may have changed."""
        key, state = (kind, str(path)), _state(status or path.stat())
        known = self._known.get(key)
        if known is not None and known[0] == state:
            return json.loads(known[1])
        while (age := time.time() - path.stat().st_ctime) < TICK:
            time.sleep(TICK - max(age, 0.0))
        before = _state(path.stat())
        fact = read(path)
        if _state(path.stat()) == before:
            self._known[key] = self._new[key] = (before, json.dumps(fact))
        return fact

    def moved_in_time(self, path: Path) -> None:
        """Note that only the times of a file were set since it was last read."""
        key = ("md5", str(path))
        if key in self._known:
            self._known[key] = self._new[key] = (_state(path.stat()), self._known[key][1])


def _state(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
