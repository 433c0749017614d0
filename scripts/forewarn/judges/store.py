"""Judgements that were paid for, on this machine: no request is sent twice, whatever becomes of a job.

A small database, to which every answer of a judge is committed as it arrives. Its key says all that decides
an answer, so that a changed threshold costs nothing, and a changed prompt what it concerns.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PATH = Path(".forewarn/judgements.sqlite")


class Store:
    """Judgements by the digest of their request; a context manager."""

    def __init__(self, path: Path | None = None) -> None:
        file = path or PATH
        file.parent.mkdir(parents=True, exist_ok=True)
        # Several jobs may write at once: each waits for the others' commits.
        self._connection = sqlite3.connect(file, timeout=60, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS judgements (request TEXT PRIMARY KEY, answer TEXT)"
        )

    def get(self, request: str) -> dict[str, Any] | None:
        """The answer to a request, or None if it was never asked."""
        row = self._connection.execute(
            "SELECT answer FROM judgements WHERE request = ?", [request]
        ).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, request: str, answer: dict[str, Any]) -> None:
        """Keep an answer, at once and for good."""
        self._connection.execute(
            "INSERT OR REPLACE INTO judgements VALUES (?, ?)", [request, json.dumps(answer)]
        )

    def __enter__(self) -> Self:
        """Open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self._connection.close()
