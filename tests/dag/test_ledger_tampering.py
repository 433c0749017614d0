"""What is not what its record says stops the run, by name, before anything is overwritten."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from job_names import SUBJECTS
from ledger_copy import cloned
from workflow_copy import Workflow

from forewarn.ledger.restore import SHOWN

BAD, OWN = (f"results/smoke/rates/{SUBJECTS[who]}/smoke_evaluation.json" for who in ("bad", "own"))


@pytest.fixture(params=["where it was made", "in a clone"])
def study_or_clone(request: pytest.FixtureRequest, study: Workflow, tmp_path: Path) -> Workflow:
    here = study if request.param == "where it was made" else cloned(study, tmp_path / "a clone")
    assert here.planned() == set()
    return here


def contents(study: Workflow) -> dict[str, str]:
    return {
        path.relative_to(study.folder).as_posix(): hashlib.md5(path.read_bytes()).hexdigest()
        for path in sorted((study.folder / "results").rglob("*"))
        if path.is_file()
    }


def refused(study: Workflow, *named: str) -> str:
    """The run stops with a message that names the files, and changes none."""
    before = contents(study)
    for arguments in (["--dry-run"], ["--cores", "1"]):
        said = study.snakemake(*arguments, "--", "smoke")
        assert said.status != 0
        assert all(name in said.stderr for name in named), said
        assert "Traceback" not in str(said)
        assert "Way out: `dvc checkout FILE`" in said.stderr
    assert contents(study) == before
    return said.stderr


def test_a_changed_byte(study_or_clone: Workflow) -> None:
    path = study_or_clone.folder / BAD
    expected = hashlib.md5(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    found = hashlib.md5(path.read_bytes()).hexdigest()
    assert f"expected {expected}, found {found}" in refused(study_or_clone, BAD)


def test_the_same_size_inode_and_time(study_or_clone: Workflow) -> None:
    path = study_or_clone.folder / BAD
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"!")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_ino, after.st_mtime_ns) == (
        before.st_size, before.st_ino, before.st_mtime_ns
    )  # fmt: skip
    refused(study_or_clone, BAD)


def test_a_swapped_pair_of_files(study_or_clone: Workflow) -> None:
    one, two = (study_or_clone.folder / name for name in (BAD, OWN))
    aside = one.with_name("aside")
    one.rename(aside)
    two.rename(one)
    aside.rename(two)
    refused(study_or_clone, BAD, OWN)


def test_a_deleted_record(study_or_clone: Workflow) -> None:
    (study_or_clone.folder / f"{BAD}.dvc").unlink()
    assert "has no record" in refused(study_or_clone, BAD)


def test_a_damaged_record(study_or_clone: Workflow) -> None:
    (study_or_clone.folder / f"{BAD}.dvc").write_text("outs: [\n", encoding="utf-8")
    said = study_or_clone.snakemake("--dry-run", "--", "smoke")
    assert said.status != 0
    assert f"{BAD}.dvc is not a record" in said.stderr
    assert "Traceback" not in str(said)


def test_a_deleted_file_is_made_anew(study_or_clone: Workflow) -> None:
    (study_or_clone.folder / "results/smoke/figures/rates.svg").unlink()
    assert study_or_clone.planned() == {"plot_rates"}


def test_many_are_counted(study: Workflow) -> None:
    scores = list((study.folder / "results/smoke/scores").rglob("*.parquet"))
    for path in [*scores, study.folder / BAD]:
        path.write_bytes(b"!")
    changed = len(scores) + 1
    said = study.snakemake("--dry-run", "--", "smoke")
    assert said.stderr.count("is not what its record says") == SHOWN
    assert f"(and {changed - SHOWN} more)" in said.stderr


def test_a_file_that_no_rule_makes_is_the_users_own(study: Workflow) -> None:
    (study.folder / "results/smoke/notes.txt").write_text("mine", encoding="utf-8")
    assert study.planned() == set()


def test_another_format_of_snakemakes_metadata_is_refused(study: Workflow) -> None:
    path = study.folder / "scripts/forewarn/ledger/snakemake_metadata.py"
    text = path.read_text(encoding="utf-8")
    assert "FORMAT = 6\n" in text
    path.write_text(text.replace("FORMAT = 6\n", "FORMAT = 5\n"), encoding="utf-8")
    said = study.snakemake("--dry-run", "--", "smoke")
    assert said.status != 0
    assert "format 6, the ledger knows 5" in said.stderr


def test_the_database_backend_is_refused(study: Workflow) -> None:
    said = study.snakemake("--persistence-backend", "db", "--dry-run", "--", "smoke")
    assert said.status != 0
    assert "persistence backend `file` only" in said.stderr
