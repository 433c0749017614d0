"""A job that is killed while it records its outputs, at any point: the next run makes it good."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from forewarn.errors import StudyError
from forewarn.job import run
from forewarn.ledger.record import read_record, record_path
from jobs import make_job

OUTPUTS = ["results/one.json", "results/two.json"]
EVENTS = {"open", "os.rename", "os.remove", "os.chmod", "os.mkdir", "os.utime", "sqlite3.connect"}
"""Audit events of Python that stand for system calls which change something, or begin to."""
LAST = 200
"""More of them than the recording of a job has."""


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("input").write_text("input")
    outputs = {Path(path).stem: path for path in OUTPUTS}
    return make_job("judge.py", {}, {"input": "input"}, outputs)


def in_a_process(job: SimpleNamespace, content: str, killed_at: int | None) -> int:
    """Run the job in a process of its own, which ends at an event after `main`; its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    passed = -1

    def count(event: str, _: object) -> None:
        nonlocal passed
        if passed >= 0 and event in EVENTS:
            passed += 1
            if passed == killed_at:
                os._exit(9)

    def main(*, one: Path, two: Path, settings: dict, input: Path) -> None:
        nonlocal passed
        for path in (one, two):
            path.parent.mkdir(exist_ok=True)
            path.write_text(content + path.name)
        passed = 0

    sys.addaudithook(count)
    run(main, job)
    os._exit(0)


def matching(path: str) -> bool:
    """Whether an output is there and its record says what it is; half a record fails the test."""
    try:
        record = read_record(record_path(path))
    except FileNotFoundError:
        return False
    except StudyError:
        raise AssertionError("half a record") from None
    return record.md5 == hashlib.md5(Path(path).read_bytes()).hexdigest()


def test_killed_at_any_point_the_next_run_makes_it_good(job):
    for point in range(1, LAST):
        for path in ("results", ".forewarn", ".dvc"):
            if Path(path).exists():
                shutil.rmtree(path)
        assert in_a_process(job, "first ", None) == 0
        assert all(map(matching, OUTPUTS))
        job.params.job["settings"] = {"point": point}
        for path in OUTPUTS:  # as Snakemake does before it starts a job
            Path(path).unlink()
        status = in_a_process(job, "second ", point)
        if status == 0:
            break
        assert status == 9
        for path in OUTPUTS:
            if matching(path):  # then it is the new one: the old record would be a false match
                assert read_record(record_path(path)).making.params == {"point": point}
            Path(path).unlink()
        assert in_a_process(job, "second ", None) == 0
        assert all(map(matching, OUTPUTS))
        assert [Path(path).read_text() for path in OUTPUTS] == ["second one.json", "second two.json"]
        assert {path.name for path in Path("results").iterdir()} == {
            *(Path(path).name for path in OUTPUTS),
            *(record_path(path).name for path in OUTPUTS),
            *(path.name for path in Path("results").glob(".*.partial")),  # what a kill leaves, unseen by all
        }
    else:
        raise AssertionError("the recording has more steps than are tried")
    assert point > 15, "the job was not killed at enough points"
