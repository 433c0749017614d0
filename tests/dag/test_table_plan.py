"""The table of models takes what is there: it plans no study, and alone is made anew as studies go on."""

from __future__ import annotations

from pathlib import Path

from ledger_copy import cloned
from workflow_copy import RESULTS, Workflow, rules

OWN_JOBS = {"collect_table", "write_table"}


def test_a_table_of_nothing_runs_nothing_else(blank: Workflow) -> None:
    assert rules(blank.planned("table")) == OWN_JOBS


def test_a_table_follows_the_study_and_never_leads_it(study: Workflow) -> None:
    assert rules(study.planned("table")) == OWN_JOBS
    said = study.run("--quiet", "--", "table")
    assert said.status == 0, said
    assert study.planned("table") == set()
    assert study.planned() == set()
    study.change("studies.smoke.detection.claims.margin", 0.3)
    assert rules(study.planned("table")) > OWN_JOBS


def test_an_organism_that_is_configured_later_gives_a_row_and_is_not_raised(study: Workflow) -> None:
    assert study.run("--quiet", "--", "table").status == 0
    seeds = [{"dataset": "bad_medical", "adapter": "smoke_rank2", "seeds": [1]}]
    study.change("studies.smoke.atlas_organisms", seeds)
    assert rules(study.planned("table")) == OWN_JOBS


def test_another_study_that_changes_replans_the_table_and_no_model(study: Workflow) -> None:
    assert study.run("--quiet", "--", "table").status == 0
    seeds = [{"dataset": "bad_medical_advice", "adapter": "rank32", "seeds": [7]}]
    study.change("studies.qwen7b.atlas_organisms", seeds)
    assert rules(study.planned("table")) == OWN_JOBS
    assert study.planned() == set()


def test_a_clone_has_the_table_without_what_it_was_made_from(study: Workflow, tmp_path: Path) -> None:
    """It is published with one study; what it has of others stays where they were run."""
    assert study.run("--quiet", "--", "table").status == 0
    clone = cloned(study, tmp_path / "a clone")
    for path in (clone.folder / RESULTS).rglob("*"):
        if path.is_file() and path.suffix != ".dvc":
            path.unlink()
    assert clone.planned("table") == set()
