"""Clones of a finished study, and what its records say."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import job_names
from workflow_copy import RESULTS, Workflow

from forewarn.ledger.record import Record, read_record

NOT_CLONED = {".snakemake", ".forewarn", ".dvc", "logs", "benchmarks", "__pycache__"}
"""What neither git nor DVC brings."""


def cloned(study: Workflow, folder: Path) -> Workflow:
    """The study as `git clone` and `dvc pull` leave it: no state, and times in no order."""

    def left_out(_: str, names: list[str]) -> set[str]:
        return NOT_CLONED & set(names)

    shutil.copytree(study.folder, folder, ignore=left_out)
    draw = random.Random(0)
    now = folder.stat().st_mtime_ns
    for path in (folder / RESULTS).rglob("*"):
        if path.is_file():
            os.utime(path, ns=(now, now - draw.randrange(10**12)))
    return Workflow(folder)


def records(study: Workflow) -> dict[str, Record]:
    """All records of the smoke study and of its judge, by path of the artifact."""
    found = {}
    for path in (study.folder / "results").rglob("*.dvc"):
        record = read_record(path)
        assert record is not None
        artifact = path.relative_to(study.folder).as_posix().removesuffix(".dvc")
        found[artifact] = Record(artifact, record.md5, record.size, record.making)
    return found


def above(study: Workflow, these: set[str]) -> set[str]:
    """The jobs that make what some jobs read, directly or not."""
    return _reached(these, _readings(study))


def below(study: Workflow, these: set[str]) -> set[str]:
    """The jobs that read what some jobs make, directly or not."""
    return _reached(these, {(maker, reader) for reader, maker in _readings(study)})


def _readings(study: Workflow) -> set[tuple[str, str]]:
    """Pairs of a job and one that makes what it reads."""
    known = records(study)
    names = {
        path: job_names.name(record.making.rule, path.removeprefix(RESULTS)) for path, record in known.items()
    }
    return {
        (names[path], names[read])
        for path, record in known.items()
        for read in record.making.inputs
        if read in names
    }


def _reached(start: set[str], steps: set[tuple[str, str]]) -> set[str]:
    found: set[str] = set()
    new = start
    while new := {after for before, after in steps if before in new} - found:
        found |= new
    return found
