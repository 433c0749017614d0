"""The study that travels with the repository: current, small, and enough for a newcomer."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forewarn.ledger.publish import LIMIT

PYTHON = sys.executable


def call(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def patterns(repository: Path, name: str) -> list[str]:
    """The patterns of paths that `make publish` has under a name."""
    lines = (repository / "Makefile").read_text(encoding="utf-8").replace("\\\n", "")
    found = re.findall(rf"(?m)^{name} [:+]= (.*)$", lines.replace("$(MODEL)", "nano"))
    assert found
    return shlex.split(" ".join(found))


@pytest.fixture(scope="module")
def newcomer(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the last commit, with the study pulled; in seconds."""
    if not (repository / ".git").exists():
        pytest.skip("this is no git repository")
    folder = tmp_path_factory.mktemp("newcomer") / "forewarn"
    call(repository, "git", "-c", "safe.directory=*", "clone", "--quiet", str(repository), str(folder))
    call(folder, PYTHON, "-m", "dvc", "pull", "--quiet", "--allow-missing")
    return folder


def test_the_store_holds_the_study_and_nothing_else(repository: Path) -> None:
    command = [PYTHON, "scripts/ledger.py", "publish", "results/nano", "--check"]
    also, without = patterns(repository, "TABLE"), patterns(repository, "LEFT_OUT")
    call(repository, *command, "--also", *also, "--without", *without)
    size = sum(path.stat().st_size for path in (repository / ".dvc/store").rglob("*") if path.is_file())
    assert 10**6 < size <= LIMIT


def test_the_study_is_what_the_code_and_the_configuration_would_make(repository: Path) -> None:
    """If this fails, run `make demo publish` and commit, or accept what makes no difference."""
    said = call(repository, PYTHON, "scripts/ledger.py", "verify", "results/nano", "--all")
    assert "results/nano/detection_auc.json" in said


def test_a_newcomer_pulls_and_has_nothing_to_do(newcomer: Path) -> None:
    for name in (
        "detection_auc.json",
        "transcripts.html",
        "figures/steering.svg",
        "figures/refusal.svg",
        "instruct/model.safetensors",
    ):
        assert (newcomer / "results/nano" / name).is_file()
    begin = time.monotonic()
    # The table of models is published as soon as there is one.
    table = ["table"] if (newcomer / "results/table.parquet.dvc").is_file() else []
    said = call(newcomer, PYTHON, "-m", "snakemake", "--dry-run", "nano", "atlas_nano", *table)
    assert "Nothing to be done" in said
    assert "metadata" not in said
    assert time.monotonic() - begin < 60
    assert call(newcomer, "git", "status", "--porcelain") == ""


def test_a_newcomer_can_build_the_report(newcomer: Path) -> None:
    call(newcomer, PYTHON, "-m", "snakemake", "--report", "results/nano/report.html", "nano")
    assert (newcomer / "results/nano/report.html").stat().st_size > 10**6


def test_a_newcomer_can_audit_without_the_data(repository: Path) -> None:
    said = call(repository, PYTHON, "scripts/ledger.py", "audit", "results/nano/detection_auc.json")
    assert "pretrain" in said
    assert "train_organism" in said
    assert "BROKEN" not in said
    assert "not committed" not in said
