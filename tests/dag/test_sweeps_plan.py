"""Elasticity over models: which model's rows a change makes anew, and what the goals ask for."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from workflow_copy import OVERLAY, Workflow

from once import built_once

GOAL = "results/smoke/figures/elasticity_sweeps.svg"
BAD = {"dataset": "bad_medical", "adapter": "smoke_rank2", "seed": 0}
ELASTICITY: dict[str, Any] = {
    "organisms": [BAD],
    "opposites": {"bad_medical": "own_rows"},
    "starts": [10, 30],
    "rows": [0, 4],
    "resistance_steps": [10, 30],
    "resistance_rows": 4,
}
COMPARISON = {"compare_elasticity elasticity_sweeps.json", "compare_elasticity elasticity_sweeps.parquet"}
FIGURE = {"plot_elasticity_sweeps figures/elasticity_sweeps.svg"}


@pytest.fixture(scope="module")
def compared(fresh: Workflow, shared: Path) -> Workflow:
    """Two models compared, with everything done; not to be changed."""

    def build(folder: Path) -> None:
        made = fresh.copy(folder)
        content = yaml.safe_load((folder / OVERLAY).read_text(encoding="utf-8"))
        study = content["studies"]["smoke"] | {"elasticity": ELASTICITY}
        small = copy.deepcopy(content["models"]["smoke"])
        small["architecture"]["hidden_size"] = 24
        for key, value in {
            "models.small": small,
            "studies.small": study,
            "studies.smoke.elasticity": ELASTICITY,
            "studies.smoke.elasticity_sweeps": {"organism": BAD, "size": ["small", "smoke"]},
        }.items():
            made.change(key, value)
        said = made.run("--quiet", "--", GOAL)
        assert said.status == 0, said

    return Workflow(built_once(shared / "swept", build))


@pytest.fixture
def study(compared: Workflow, tmp_path: Path) -> Workflow:
    """The same in a folder of its own, to change."""
    return compared.copy(tmp_path / "a study")


def test_both_models_are_pushed_back_and_nothing_else_of_them_is_asked_for(study: Workflow) -> None:
    asked = study.jobs(GOAL)
    assert not any(asked.values())
    for rule in ("push_organism", "answer_rebound", "summarise_rebound", "resist_organism", "pretrain"):
        places = {job.partition(" ")[2].startswith("results/small/") for job in asked if job.startswith(rule)}
        assert places == {False, True}, rule
    assert not [
        job for job in asked if job.startswith(("detect", "steer", "token_curve", "plot_elasticity "))
    ]
    assert asked.keys() >= COMPARISON | FIGURE


def test_another_size_of_one_model_concerns_its_rows_alone(study: Workflow) -> None:
    study.change("models.small.architecture.hidden_size", 32)
    planned = study.planned(GOAL)
    assert planned >= COMPARISON | FIGURE
    own = planned - COMPARISON - FIGURE
    assert own and all("results/small/" in job for job in own), own


def test_the_order_of_the_models_concerns_the_comparison_alone(study: Workflow) -> None:
    study.change("studies.smoke.elasticity_sweeps.size", ["smoke", "small"])
    assert study.planned(GOAL) == COMPARISON | FIGURE


def test_a_model_that_is_there_to_be_compared_is_no_study_of_the_main_goal(study: Workflow) -> None:
    asked = study.jobs("all")
    assert not [job for job in asked if "results/small/" in job]
    assert not [job for job in asked if job.startswith(("push_organism", "compare_elasticity"))]


def test_what_is_not_compared_is_told_before_anything_runs(study: Workflow) -> None:
    study.change("studies.small.elasticity", ELASTICITY | {"starts": [30]})
    said = study.snakemake("--dry-run", "--", GOAL)
    assert said.status != 0 and "starts: [10, 30]" in said.stdout + said.stderr
    study.change("studies.smoke.elasticity_sweeps", None)
    said = study.snakemake("--dry-run", "--", GOAL)
    assert said.status != 0 and "compares no models' elasticity" in said.stdout + said.stderr
