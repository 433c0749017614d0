"""A run that was killed leaves a lock behind; one can run again all the same, but not beside a living run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workflow_copy import RESULTS, Workflow

TARGET = RESULTS + "detection_auc.json"
WAITING = """\
import os, time
from pathlib import Path

Path("started").write_text(f"{os.getpid()}\\n")
while not Path("go on").exists():
    time.sleep(0.05)
"""


@contextmanager
def waiting_run(study: Workflow) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A run whose only job waits for the file `go on`: its process, and the process id of the job."""
    script = study.folder / "scripts/collect_detection.py"
    script.write_text(WAITING + script.read_text(encoding="utf-8"), encoding="utf-8")
    command = study.command("--cores", "1", "--quiet", "all", "--", TARGET)
    run = subprocess.Popen(command, cwd=study.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield run, job_of(run, study.folder / "started")
    finally:
        run.kill()
        run.wait()
        (study.folder / "go on").touch()


def job_of(run: subprocess.Popen[bytes], started: Path) -> int:
    """Wait for the job to start."""
    for _ in range(1200):
        assert run.poll() is None, "the run ended before its job started"
        if started.exists() and (text := started.read_text(encoding="utf-8")).endswith("\n"):
            return int(text)
        time.sleep(0.05)
    raise TimeoutError("the job does not start")


def test_after_a_killed_run_one_can_simply_run_again(study: Workflow) -> None:
    with waiting_run(study) as (run, job):
        run.kill()
        run.wait()
        os.kill(job, signal.SIGKILL)
        assert list((study.folder / ".snakemake/locks").iterdir())
    said = study.run("--", TARGET)
    assert said.status == 0, said
    assert study.planned() == set()


def test_beside_a_living_run_the_same_results_stay_locked(study: Workflow) -> None:
    with waiting_run(study) as (run, _):
        said = study.run("--", TARGET)
        assert said.status != 0
        assert "lock" in said.stderr.lower()
        (study.folder / "go on").touch()
        assert run.wait(60) == 0
