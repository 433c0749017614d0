"""What one change makes anew of elasticity, sparse features, screening and prevention: what rests on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from workflow_copy import Workflow, finish_parts, name, rules

from once import built_once

GOAL = "atlas_smoke"
BAD0, BAD1 = ({"dataset": "bad_medical", "adapter": "smoke_rank2", "seed": seed} for seed in (0, 1))
OWN = {"dataset": "own_rows", "adapter": "own_rank3", "seed": 0}
PARTS: dict[str, dict[str, Any]] = {
    "elasticity": {
        "organisms": [BAD0, OWN],
        "opposites": {"bad_medical": "own_rows", "own_rows": "bad_medical"},
        "starts": [10, 30],
        "rows": [0, 16],
        "seeds": [0],
        "resistance_steps": [10, 30],
    },
    "sparse_features": {"organisms": [BAD0, OWN]},
    "screening": {
        "organisms": [BAD0, BAD1, OWN],
        "benign": "own_rows",
        "prevention": {"organisms": [BAD0, OWN], "coefficients": [1.0]},
    },
}
JUDGED = "ask_judge_about_arms"
PLOTS = {"plot_elasticity", "plot_sparse_features", "plot_screening", "plot_prevention"}
REBOUND = {"answer_rebound", JUDGED, "summarise_rebound", "plot_elasticity"}
RESISTANCE = {"resist_organism", "summarise_resistance", "plot_elasticity"}
ABLATION = {"ablate_features", JUDGED, "summarise_feature_ablation", "plot_sparse_features"}
FEATURES = ABLATION | {"decompose_features"}
SCREENED = {"screen_dataset", "compare_datasets", "plot_screening"}
PREVENTION = {"answer_prevented", JUDGED, "summarise_prevention", "plot_prevention"}


@pytest.fixture(scope="module")
def charted(fresh: Workflow, shared: Path) -> Workflow:
    """A study with these parts alone, with everything of them done; not to be changed."""

    def build(folder: Path) -> None:
        finish_parts(fresh, folder, GOAL, PARTS)

    return Workflow(built_once(shared / "second half", build))


@pytest.fixture
def study(charted: Workflow, tmp_path: Path) -> Workflow:
    """The same in a folder of its own, to change."""
    return charted.copy(tmp_path / "a study")


def test_nothing_is_to_be_done_for_a_finished_second_half(study: Workflow) -> None:
    assert study.planned(GOAL) == set()


def test_a_changed_organism_replans_its_own_rows(study: Workflow) -> None:
    study.change("adapters.own_rank3.learning_rate", 0.003)
    planned = study.planned(GOAL)
    others = [name(BAD0), name(BAD1), " bad"]
    assert not [job for job in planned if any(other in job for other in others)]
    assert rules(planned) >= {"train_organism", "push_organism", "read_features", "train_prevented"}
    assert rules(planned) >= REBOUND | RESISTANCE | FEATURES | PREVENTION | PLOTS
    # The autoencoder is the instruct model's, and a benign dataset lends no direction.
    assert not rules(planned) & {"train_sae", "read_sae", "read_dataset", "screen_dataset"}
    assert "compare_datasets" in rules(planned), "its rate stands beside the score of its dataset"


def test_an_organism_of_misaligned_data_lends_its_direction_to_all_scores(study: Workflow) -> None:
    asked = {"dataset": "bad_medical", "adapter": "smoke_rank2", "seeds": [0]}
    study.change(
        "studies.smoke.organisms", [asked, {"dataset": "own_rows", "adapter": "own_rank3", "seeds": [0]}]
    )
    study.change("studies.smoke.screening.organisms", [BAD0, OWN])
    assert rules(study.planned(GOAL)) == SCREENED


MEASURING = {
    "elasticity.bootstrap": (60, {"summarise_rebound", "summarise_resistance", "plot_elasticity"}),
    "elasticity.kl_tokens": (4, REBOUND),
    "elasticity.resistance_rows": (16, RESISTANCE),
    "elasticity.learning_rate": (0.1, {"push_organism"} | REBOUND | RESISTANCE),
    "sparse_features.ablated": (2, ABLATION),
    "sparse_features.folds": (4, FEATURES),
    "sparse_features.features": (16, {"train_sae", "read_sae", "read_features"} | FEATURES),
    "screening.permutations": (60, SCREENED),
    "screening.rows": (12, {"read_dataset"} | SCREENED),
    "screening.prevention.questions_per_category": (2, PREVENTION),
    "screening.prevention.held_out": (0.2, {"train_prevented"} | PREVENTION),
}


@pytest.mark.parametrize("key", MEASURING)
def test_a_setting_of_a_part_replans_that_part_as_far_as_it_reaches(study: Workflow, key: str) -> None:
    value, expected = MEASURING[key]
    study.change(f"studies.smoke.{key}", value)
    assert rules(study.planned(GOAL)) == expected


def test_another_multiple_trains_its_own_runs_and_no_other(study: Workflow) -> None:
    study.change("studies.smoke.screening.prevention.coefficients", [0.5, 1.0])
    planned = study.planned(GOAL)
    assert rules(planned) == {"train_prevented"} | PREVENTION
    runs = {
        re.search(r"prevention/[^/]+/([^/]+)/", job) for job in planned if job.startswith("train_prevented")
    }
    assert {run[1] for run in runs if run} == {
        "direction_x0.5", "random_isotropic_00_x0.5", "random_covariance_00_x0.5",
    }  # fmt: skip


def test_the_study_itself_asks_for_none_of_it(study: Workflow) -> None:
    asked = {job.partition(" ")[0] for job in study.jobs()}
    assert not asked & (PLOTS | {"push_organism", "train_sae", "read_dataset", "train_prevented"})


def test_make_atlas_tells_the_time_of_every_figure(study: Workflow, repository: Path) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    line = re.search(r"(?m)^ATLAS := \$\(foreach figure,([^,]*),", makefile)
    assert line is not None
    drawn = {job.removeprefix("plot_") for job in rules(set(study.jobs(GOAL))) if job.startswith("plot_")}
    assert drawn == {plot.removeprefix("plot_") for plot in PLOTS} <= set(line[1].split())
