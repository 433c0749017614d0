"""A checkout of its own in which the real rules run, as a user runs them."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

SMOKE = "tests/e2e/smoke.yaml"
REAL_FILES = "tests/e2e/real_files.yaml"

# What a checkout does not bring along: results of earlier runs, environments, caches, the user's files.
LEFT_OUT = {
    ".git", ".venv", ".dvc", ".snakemake", ".forewarn", ".hypothesis", ".pytest_cache", ".mypy_cache",
    ".ruff_cache", "results", "logs", "benchmarks", "inputs",
}  # fmt: skip


@dataclass(frozen=True)
class Checkout:
    """A folder with the workflow, and the overlay that its runs lay over `config.yaml`.

    Attributes:
        folder: the root of the checkout.
        overlay: path of the overlay, relative to `folder`.
    """

    folder: Path
    overlay: str

    def path(self, relative: str) -> Path:
        """A file of the checkout."""
        return self.folder / relative

    def command(self, *arguments: str, cores: int = 1) -> list[str]:
        """What a user types, options before targets."""
        options = [argument for argument in arguments if argument.startswith("-")]
        targets = [argument for argument in arguments if not argument.startswith("-")]
        snakemake = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--configfile", self.overlay]
        return [*snakemake, *options, "--", *targets]

    def run(self, *arguments: str, cores: int = 1) -> str:
        """Run to the end, and return what was said; a failure fails the test with it."""
        code, said = self.attempt(*arguments, cores=cores)
        assert code == 0, said
        return said

    def attempt(self, *arguments: str, cores: int = 1) -> tuple[int, str]:
        """Run, and return the exit status and what was said."""
        done = subprocess.run(
            self.command(*arguments, cores=cores), cwd=self.folder, env=environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1800,
        )  # fmt: skip
        return done.returncode, done.stdout

    def start(self, *arguments: str, cores: int = 1) -> subprocess.Popen[str]:
        """Start a run as the leader of a process group, which is what Ctrl-C reaches in a terminal.

        A shell lets its background jobs ignore Ctrl-C, and what they start inherits that. Tests in such a
        job are to see what a terminal would show all the same.
        """
        with self.path("terminal.txt").open("w") as terminal:
            return subprocess.Popen(
                self.command(*arguments, cores=cores), cwd=self.folder, env=environment(), text=True,
                stdout=terminal, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )  # fmt: skip

    def copied(self, folder: Path) -> Checkout:
        """The same checkout once more, with its results and Snakemake's memory of them.

        What was computed is not kept for another time, so that a job that has to run does run.
        """

        def left_out(where: str, names: list[str]) -> set[str]:
            return {".dvc"} if Path(where) == self.folder else {"memo"} & set(names)

        shutil.copytree(self.folder, folder, symlinks=True, ignore=left_out)
        return Checkout(folder, self.overlay)

    def hashes(self, *patterns: str) -> dict[str, str]:
        """Sha256 of the results that match glob patterns below `results/`."""
        results = self.path("results")
        files = {path for pattern in patterns for path in results.glob(pattern) if path.is_file()}
        assert files, f"nothing matches {patterns}"
        return {
            path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(files)
        }


def environment() -> dict[str, str]:
    """The environment of a run: this one, kept off the network."""
    return os.environ | {"HF_HUB_OFFLINE": "1"}


def check_out(repository: Path, folder: Path, overlay: str) -> Checkout:
    """Copy the working tree, as a fresh clone would have it."""

    def left_out(where: str, names: list[str]) -> set[str]:
        return (LEFT_OUT if Path(where) == repository else set()) | {"__pycache__"}

    shutil.copytree(repository, folder, ignore=left_out, symlinks=True)
    return Checkout(folder, overlay)


def until(condition: Callable[[], bool], run: subprocess.Popen[str], what: str, seconds: float = 300) -> None:
    """Wait until something shows that a run has got somewhere; a run that does not is ended."""
    end = time.monotonic() + seconds
    while not condition():
        assert run.poll() is None, f"the run ended before {what}"
        if time.monotonic() > end:
            stop(run, number=signal.SIGKILL, everything=True)
            pytest.fail(f"{seconds} s passed without {what}")
        time.sleep(0.002)


def job_of(run: subprocess.Popen[str]) -> int:
    """Process id of the Python process that executes the script of the run's only job."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
    found = [
        process
        for process in parents
        if b".snakemake/scripts" in _command(process) and b"python" in _command(process).split(b"\0")[0]
        and run.pid in _ancestors(process, parents)
    ]  # fmt: skip
    assert found, "the run has no job"
    return min(found)


def stop(run: subprocess.Popen[str], *, number: signal.Signals, everything: bool) -> int:
    """Send a signal to a run, to all of its process group or to Snakemake alone; returns its exit status."""
    if everything:
        os.killpg(run.pid, number)
    else:
        run.send_signal(number)
    return run.wait(60)


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def _ancestors(process: int, parents: dict[int, int]) -> set[int]:
    found = set()
    while process in parents and process not in found:
        found.add(process)
        process = parents[process]
    return found
