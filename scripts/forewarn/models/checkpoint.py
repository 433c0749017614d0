"""Finished pieces of a long job on disk, so that an interrupted one continues where it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from forewarn.files import digest, read_table, write_table


def stored(folder: Path | None, key: Any, compute: Callable[[], pa.Table]) -> pa.Table:
    """The piece `key` from `folder` if it was finished before; else compute and keep it.

    Args:
        folder: the checkpoint folder of one model and one set of inputs, or None to keep nothing.
        key: what determines the piece beyond that (JSON-serialisable).
        compute: makes the piece.
    """
    if folder is None:
        return compute()
    path = folder / f"{digest(key)[:24]}.parquet"
    if not path.exists():
        write_table(path, compute())
    return read_table(path)
