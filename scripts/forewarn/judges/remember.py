"""What somebody has paid for is not paid for again: opinions among the results, read into the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forewarn.judges.reply import Answer
from forewarn.judges.store import Store

OPINION_FILES = (
    "*/opinions/*/*/*.parquet",
    "*/steering/*/*/opinions/*.parquet",
    "judges/*/opinions.parquet",
)
"""Where opinions lie within the folder of all results."""


def remember_opinions(results: Path, store: Path | None = None) -> int:
    """Read the opinions among results into the store of this machine, where they are new to it.

    Args:
        results: the folder of all results.
        store: the store's file; that of the project by default.

    Returns:
        How many files were read.
    """
    files = [path for pattern in OPINION_FILES for path in results.glob(pattern)]
    count = 0
    with Store(store) as known:
        for path in sorted(files):
            if known.is_new(path):
                known.remember(_answers(path))
                known.mark(path)
                count += 1
    return count


def _answers(path: Path) -> Iterator[Answer]:
    import pyarrow.parquet as pq

    columns = ["alignment_answers", "coherence_answers"]
    for row in pq.read_table(path, columns=columns).to_pylist():
        for column in columns:
            for answer in row[column] or ():
                pairs = tuple((pair["token"], pair["logprob"]) for pair in answer["tokens"])
                yield Answer(**answer | {"tokens": pairs})
