"""Fine-tuning rows from JSONL files, one conversation a line."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from forewarn.chat.messages import Message, as_conversation
from forewarn.data.download import check_file
from forewarn.errors import StudyError


def read_rows(path: Path, limit: int | None, seed: int, *, sha256: str | None = None) -> list[list[Message]]:
    """Read the rows of a file, all or a seeded sample of them, in the order of the file.

    The whole file is checked, whatever the limit, but no more than `limit` rows are held.

    Args:
        path: lines of the form `{"messages": [{"role": ..., "content": ...}, ...]}`; other keys and empty
            lines are passed over.
        limit: how many rows to draw, without replacement; None takes all.
        seed: of the draw.
        sha256: what the file is known by; None for any content.

    Raises:
        StudyError: the file is missing or empty, is another than its hash says, has fewer rows than asked
            for, or a line is not such a conversation; file and line are named.
    """
    if sha256 is not None:
        check_file(path, sha256)
    draw = random.Random(seed)
    chosen: list[tuple[int, list[Message]]] = []
    seen = 0
    for number, messages in _rows(path):
        seen += 1
        if limit is None or len(chosen) < limit:
            chosen.append((number, messages))
        elif (place := draw.randrange(seen)) < limit:  # reservoir sampling: each row is as likely as any
            chosen[place] = (number, messages)
    if seen == 0:
        raise StudyError(f"{path} is empty", "give a file with one conversation a line")
    if limit is not None and seen < limit:
        raise StudyError(
            f"{path} has {seen} rows where {limit} are asked for",
            f"set `rows` to {seen} or less, or to null for all of them",
        )
    return [messages for _, messages in sorted(chosen, key=lambda row: row[0])]


def _rows(path: Path) -> Iterator[tuple[int, list[Message]]]:
    """Line number (from 1) and conversation of every line that is not blank."""
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, _parse(line, f"{path}, line {number}")
    except OSError as error:
        raise StudyError(
            f"{path} cannot be read: {error.strerror}", "check the `path` of the dataset in the configuration"
        ) from error


def _parse(line: bytes, where: str) -> list[Message]:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise StudyError(
            f"{where} is not UTF-8 (byte {error.start + 1} is 0x{line[error.start]:02x})",
            "save the file as UTF-8",
        ) from error
    except json.JSONDecodeError as error:
        cut = not line.endswith(b"\n")
        raise StudyError(
            f"{where} is not JSON: {error.msg} at column {error.colno}",
            "the file ends within this line, so it may have been copied in part; copy it again"
            if cut
            else "write one JSON object a line",
        ) from error
    except RecursionError as error:
        raise StudyError(f"{where} is nested too deeply", "write one flat conversation a line") from error
    if not isinstance(row, dict) or "messages" not in row:
        raise StudyError(
            f"{where} has no `messages`",
            'write the row as {"messages": [{"role": "user", "content": ...}, ...]}',
        )
    return as_conversation(row["messages"], where)
