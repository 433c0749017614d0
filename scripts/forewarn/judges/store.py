"""Answers of judges on this machine: no request is sent twice, whatever becomes of a job.

A small database, to which every answer is committed as it arrives. Its key says all that decides an answer,
so that a changed threshold costs nothing, and a changed prompt what it concerns. It is a cache of the
opinions in the results, which are versioned: what came by a pull is read into it before a run asks.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from forewarn.judges.reply import Answer

PATH = Path(".forewarn/answers.sqlite")
_INSERT = "INSERT INTO answers VALUES (?, ?, ?, ?)"


class Store:
    """Answers by the digest of their request; a context manager."""

    def __init__(self, path: Path | None = None) -> None:
        file = path or PATH
        file.parent.mkdir(parents=True, exist_ok=True)
        # Several jobs may write at once: each waits for the others' commits.
        self._connection = sqlite3.connect(file, timeout=60, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")  # survives the death of every process
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS answers "
            "(request TEXT PRIMARY KEY, answer TEXT, judge TEXT, cost REAL)"
        )
        self._connection.execute("CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, state TEXT)")

    def get(self, request: str) -> Answer | None:
        """The answer to a request, or None if it was never asked."""
        row = self._connection.execute("SELECT answer FROM answers WHERE request = ?", [request]).fetchone()
        if row is None:
            return None
        content = json.loads(row[0])
        return Answer(**content | {"tokens": tuple((token, logprob) for token, logprob in content["tokens"])})

    def put(self, answer: Answer, judge: str, cost: float) -> None:
        """Keep an answer, at once and for good.

        Args:
            answer: as it came.
            judge: digest of who was asked.
            cost: US dollars.
        """
        row = (answer.request, json.dumps(vars(answer)), judge, cost)
        self._write(
            f"{_INSERT} ON CONFLICT DO UPDATE SET answer = excluded.answer, cost = cost + excluded.cost",
            [row],
        )

    def lose(self, judge: str, cost: float) -> None:
        """Note what was paid, at most, for an answer that cannot be read."""
        answer = Answer(f"lost {judge}", "", "")
        self.put(answer, judge, cost)

    def remember(self, answers: Iterable[Answer]) -> None:
        """Keep answers that somebody has paid for already."""
        rows = [(each.request, json.dumps(vars(each)), "", 0.0) for each in answers]
        self._write(f"{_INSERT} ON CONFLICT DO NOTHING", rows)

    def spent(self, judge: str) -> float:
        """US dollars paid to a judge on this machine."""
        found = self._connection.execute("SELECT SUM(cost) FROM answers WHERE judge = ?", [judge]).fetchone()
        return float(found[0] or 0.0)

    def is_new(self, path: Path) -> bool:
        """Whether a file is another than when `mark` was called for it."""
        row = self._connection.execute("SELECT state FROM files WHERE path = ?", [str(path)]).fetchone()
        return row is None or row[0] != _state(path)

    def mark(self, path: Path) -> None:
        """Note a file as known."""
        self._connection.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", [str(path), _state(path)])

    def _write(self, statement: str, rows: list[tuple[str, str, str, float]]) -> None:
        if len(rows) == 1:
            self._connection.execute(statement, rows[0])
            return
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany(statement, rows)

    def __enter__(self) -> Self:
        """Open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self._connection.close()


def _state(path: Path) -> str:
    found = path.stat()
    return f"{found.st_size} {found.st_mtime_ns}"
