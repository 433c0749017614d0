"""A copy of the workflow in which any rule takes no time, and what Snakemake plans or says there."""

from __future__ import annotations

import csv
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import job_names
import yaml

PARTS = ["Snakefile", "config.yaml", "rules", "envs", "profiles", "scripts", "tests/e2e/smoke.yaml"]
OVERLAY = "tests/e2e/smoke.yaml"
STUB = Path(__file__).with_name("stub.py")
RESULTS = "results/smoke/"

# Importing Snakemake takes longer than planning with it: a server process imports it once, and each call
# is a fork of that process. Nothing else is shared between the calls.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["snakemake.cli", "snakemake.report", "pandas", "pydantic"])


@dataclass(frozen=True)
class Said:
    """What a call of Snakemake printed, and its exit status."""

    status: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        return f"exit status {self.status}\n{self.stdout}\n{self.stderr}"


@dataclass(frozen=True)
class Workflow:
    """A copy of the workflow.

    Args:
        folder: where it stands; relative paths of this class start there.
    """

    folder: Path

    def snakemake(self, *arguments: str, overlays: tuple[str, ...] = (OVERLAY,)) -> Said:
        """Call Snakemake in this copy as its command line would, for what executes no job."""
        arguments = (*_configfiles(overlays), *arguments)
        with tempfile.TemporaryDirectory() as written:
            streams = [Path(written, name) for name in ("stdout", "stderr")]
            process = PROCESSES.Process(target=_call, args=(self.folder, arguments, *streams))
            process.start()
            process.join(120)
            if process.exitcode is None:
                process.kill()
                raise TimeoutError(f"snakemake {' '.join(arguments)} takes more than two minutes")
            return Said(process.exitcode, *(path.read_text(encoding="utf-8") for path in streams))

    def command(self, *arguments: str, overlays: tuple[str, ...] = (OVERLAY,)) -> list[str]:
        """The command line for a run of its own, which executes jobs."""
        return [sys.executable, "-m", "snakemake", *_configfiles(overlays), *arguments]

    def run(self, *arguments: str) -> Said:
        """Run jobs to their end."""
        command = self.command("--cores", "2", *arguments)
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300)
        return Said(done.returncode, done.stdout, done.stderr)

    def planned(self, target: str = "smoke") -> set[str]:
        """Names of the jobs (see `job_names`) that Snakemake would run now for the target."""
        return {name for name, pending in self.jobs(target).items() if pending}

    def jobs(self, target: str = "smoke") -> dict[str, bool]:
        """All jobs below the target by name, and whether each would run now."""
        said = self.snakemake("--summary", "--", target)
        assert said.status == 0, said
        pending = {"no update": False, "update pending": True}
        rows = csv.DictReader(said.stdout.splitlines(), delimiter="\t")
        return {
            job_names.name(row["rule"], row["output_file"].removeprefix(RESULTS)): pending[row["plan"]]
            for row in rows
        }

    def change(self, key: str, value: Any) -> None:
        """Set a dotted key in the overlay that is put over config.yaml."""
        path = self.folder / OVERLAY
        content = section = yaml.safe_load(path.read_text(encoding="utf-8"))
        *parents, last = key.split(".")
        for parent in parents:
            section = section.setdefault(parent, {})
        section[last] = value
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def append(self, path: str, text: str) -> None:
        """Add text to a file."""
        with (self.folder / path).open("a", encoding="utf-8") as file:
            file.write(text)

    def copy(self, folder: Path) -> Workflow:
        """The same in another folder: files with their times, and Snakemake's records of what it ran."""
        shutil.copytree(self.folder, folder)
        return Workflow(folder)


def copy_of(repository: Path, folder: Path) -> Workflow:
    """A fresh copy of the workflow, without results, in which a stub stands for what scripts compute."""
    for part in PARTS:
        source, target = repository / part, folder / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for script in (folder / "scripts").glob("*.py"):
        text = script.read_text(encoding="utf-8")
        text = text.replace("run(main, ", "run(stub.placeholder(main, snakemake), ")
        text = text.replace("from forewarn.job import run", "import stub\n    from forewarn.job import run")
        script.write_text(text, encoding="utf-8")
    shutil.copyfile(STUB, folder / "scripts" / "stub.py")
    return Workflow(folder)


def _configfiles(overlays: tuple[str, ...]) -> list[str]:
    return ["--configfile", *overlays] if overlays else []


def _call(folder: Path, arguments: tuple[str, ...], stdout: Path, stderr: Path) -> None:
    """In a process of its own: Snakemake's command line in `folder`, with its output in files."""
    os.chdir(folder)
    for stream, path in ((1, stdout), (2, stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream)
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    main(list(arguments))


def rules(planned: set[str]) -> set[str]:
    """The rules of planned jobs."""
    return {job.partition(" ")[0] for job in planned}


def name(organism: dict[str, Any]) -> str:
    """An organism's name, as it stands in paths."""
    return "{dataset}-{adapter}-seed{seed}".format(**organism)


def finish_parts(fresh: Workflow, folder: Path, goal: str, parts: dict[str, Any]) -> None:
    """Finish some sections of a study with two organisms of one adapter, and a third one of its own rows."""
    copy = fresh.copy(folder)
    copy.change("adapters.own_rank3.steps", 30)
    copy.change("adapters.own_rank3.trajectory_every", 10)
    bad = {"dataset": "bad_medical", "adapter": "smoke_rank2", "seeds": [0, 1]}
    own = {"dataset": "own_rows", "adapter": "own_rank3", "seeds": [0]}
    copy.change("studies.smoke.organisms", [bad, own])
    for part, settings in parts.items():
        copy.change(f"studies.smoke.{part}", settings)
    said = copy.run("--quiet", "--", goal)
    assert said.status == 0, said
