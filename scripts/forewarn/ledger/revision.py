"""The records of a study, as they lie in the working tree or in any commit."""

from __future__ import annotations

import difflib
import subprocess
from collections.abc import Iterable
from pathlib import Path

from forewarn.errors import StudyError
from forewarn.ledger.record import SUFFIX, Record, parse_record, read_record

RESULTS = Path("results")


def records_at(revision: str | None = None) -> dict[str, Record]:
    """All records, by path of the artifact.

    Args:
        revision: a commit, branch or tag; None reads the working tree. Either way no data is read.

    Raises:
        StudyError: a record is damaged, there is no git repository, or it has no such revision.
    """
    found = _in_tree() if revision is None else _in_commit(revision)
    return {record.path: record for record in found if record is not None}


def record_of(target: str, records: dict[str, Record]) -> Record:
    """The record of a target.

    Raises:
        StudyError: there is none; names those that are called alike.
    """
    name = target.removesuffix(SUFFIX)
    if name in records:
        return records[name]
    alike = difflib.get_close_matches(name, records, n=3, cutoff=0.4)
    raise StudyError(
        f"{target} has no record",
        f"ask for one of {', '.join(alike)}" if alike else "name an artifact below results/",
    )


def _in_tree() -> Iterable[Record | None]:
    for path in sorted(RESULTS.rglob(f"*{SUFFIX}")):
        yield read_record(path)


def _in_commit(revision: str) -> Iterable[Record | None]:
    listed = _git("ls-tree", "-r", "-z", revision, "--", str(RESULTS), revision=revision)
    blobs = [
        (meta.split()[2], path)
        for meta, _, path in (entry.partition("\t") for entry in listed.split("\0") if entry)
        if path.endswith(SUFFIX)
    ]
    asked = "".join(f"{blob}\n" for blob, _ in blobs)
    answer = _git("cat-file", "--batch", revision=revision, asked=asked).encode()
    for _, path in blobs:
        header, _, rest = answer.partition(b"\n")
        size = int(header.split()[2])
        yield parse_record(rest[:size].decode(), path)
        answer = rest[size + 1 :]


def _git(*arguments: str, revision: str, asked: str | None = None) -> str:
    done = subprocess.run(["git", *arguments], input=asked, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StudyError(
            f"git has no revision {revision!r} here: {done.stderr.strip()}",
            "name a commit, branch or tag of this repository (`git log --oneline` lists commits)",
        )
    return done.stdout
