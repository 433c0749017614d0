"""After a clone and a pull there is nothing to do, and after a change exactly what depends on it."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from job_names import ALL
from ledger_copy import above, below, cloned
from test_changed_settings import ONE_KEY, SCORES
from workflow_copy import RESULTS, Workflow

CHANGED = "\nCHANGED = True\n"
KEYS = [
    "models.smoke.pretraining.steps",
    "datasets.bad_medical.rows",
    "adapters.smoke_rank2.rank",
    "judges.smoke.alignment_below",
    "studies.smoke.detection.bootstrap",
]
FILES = {
    "scripts/forewarn/judges/rates.py": (CHANGED, SCORES),
    "scripts/forewarn/judges/world.py": ("\n# a comment\n", set()),
}
LEAVES = {"detection_auc.json", "transcripts.html", *(f"figures/{name}.svg" for name in (
    "rates", "domains", "directions", "cosines", "steering", "doses", "detection_roc", "detection_layers",
    "token_curve",
))}  # fmt: skip


@pytest.fixture
def clone(finished: Workflow, tmp_path: Path) -> Workflow:
    """The finished study as `git clone` and `dvc pull` give it."""
    return cloned(finished, tmp_path / "a clone")


@pytest.fixture
def leaves(clone: Workflow) -> Workflow:
    """A clone with only the study's final results pulled."""
    for path in (clone.folder / "results").rglob("*"):
        name = path.relative_to(clone.folder).as_posix().removeprefix(RESULTS)
        if path.is_file() and path.suffix != ".dvc" and name not in LEAVES:
            path.unlink()
    assert sum(path.suffix != ".dvc" for path in clone.folder.glob("results/**/*.*")) == len(LEAVES)
    return clone


def change(study: Workflow, what: str) -> set[str]:
    """Change a key or file; return the jobs that depend on it."""
    if what in FILES:
        text, affected = FILES[what]
        study.append(what, text)
        return affected
    value, affected = ONE_KEY[what]
    study.change(what, value)
    return affected


def assert_nothing_to_do(study: Workflow) -> None:
    said = str(study.snakemake("--dry-run", "--", "smoke"))
    assert "Nothing to be done" in said
    assert "metadata" not in said.replace(str(study.folder), "")
    assert study.jobs() == dict.fromkeys(ALL, False)


def test_nothing_is_to_be_done_after_a_clone_and_a_pull(clone: Workflow) -> None:
    assert_nothing_to_do(clone)


def test_nothing_is_to_be_done_with_the_leaves_alone(leaves: Workflow) -> None:
    assert_nothing_to_do(leaves)


@pytest.mark.parametrize("what", [*KEYS, *FILES])
def test_a_change_in_a_clone_reruns_what_depends_on_it(clone: Workflow, what: str) -> None:
    affected = change(clone, what)
    assert clone.planned() == affected


@pytest.mark.parametrize("what", [*KEYS, *FILES])
def test_without_the_intermediates_what_they_are_made_of_runs_too(leaves: Workflow, what: str) -> None:
    """Snakemake makes what a changed step reads and is not there, and then all that is made of that."""
    affected = change(leaves, what)
    needed = above(leaves, affected)
    assert leaves.planned() == affected | needed | below(leaves, needed)


def test_a_change_that_is_taken_back_is_none(clone: Workflow) -> None:
    overlay = (clone.folder / "tests/e2e/smoke.yaml").read_text(encoding="utf-8")
    change(clone, "judges.smoke.alignment_below")
    assert clone.planned()
    (clone.folder / "tests/e2e/smoke.yaml").write_text(overlay, encoding="utf-8")
    assert_nothing_to_do(clone)


def test_scrambled_times_and_a_moved_project_change_nothing(clone: Workflow) -> None:
    assert_nothing_to_do(clone)
    draw = random.Random(0)
    for path in (clone.folder / "results").rglob("*"):
        os.utime(path, ns=(draw.randrange(10**18), draw.randrange(10**18)))
    moved = clone.folder.with_name("moved and renamed")
    shutil.move(clone.folder, moved)
    assert_nothing_to_do(Workflow(moved))


def test_an_overlay_of_another_study_is_not_disturbed(clone: Workflow) -> None:
    said = clone.snakemake("--dry-run", "--quiet", "all", "--", "nano", overlays=())
    assert said.status == 0, said
