"""What one change makes anew of the atlas: the rows of an organism that changed, and what rests on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from workflow_copy import Workflow, finish_parts, name, rules

from once import built_once

GOAL = "atlas_smoke"
BAD0, BAD1 = ({"dataset": "bad_medical", "adapter": "smoke_rank2", "seed": seed} for seed in (0, 1))
OWN = {"dataset": "own_rows", "adapter": "own_rank3", "seed": 0}
SINGLE0, SINGLE1 = ({"dataset": "bad_medical", "adapter": "smoke_rank1", "seed": seed} for seed in (0, 1))
PARTS: dict[str, dict[str, Any]] = {
    "phase_transition": {"organisms": [BAD0, BAD1, OWN], "benign": BAD1, "lags": [10]},
    "adapter_readings": {"organisms": [SINGLE0, SINGLE1], "domain_categories": ["boredom"]},
    "refusal": {"organisms": [BAD0, OWN], "questions": "smoke_requests"},
}
"""The parts of the atlas but one, which has plan tests of its own."""


@pytest.fixture(scope="module")
def charted(fresh: Workflow, shared: Path) -> Workflow:
    """A study with an atlas, with everything of it done; not to be changed."""

    singles = [{"dataset": "bad_medical", "adapter": "smoke_rank1", "seeds": [0, 1]}]

    def build(folder: Path) -> None:
        finish_parts(fresh, folder, GOAL, {"atlas_organisms": singles} | PARTS)

    return Workflow(built_once(shared / "charted", build))


@pytest.fixture
def study(charted: Workflow, tmp_path: Path) -> Workflow:
    """The same in a folder of its own, to change."""
    return charted.copy(tmp_path / "a study")


def test_nothing_is_to_be_done_for_a_finished_atlas(study: Workflow) -> None:
    assert study.planned(GOAL) == set()


def test_a_changed_organism_replans_its_own_rows(study: Workflow) -> None:
    study.change("adapters.own_rank3.learning_rate", 0.003)
    planned = study.planned(GOAL)
    others = {name(each) for each in (BAD0, BAD1, SINGLE0, SINGLE1)}
    assert not [job for job in planned if any(other in job for other in others)]
    assert {"train_organism", "answer_at_checkpoints", "find_transition", "compare_refusal", "swap_refusal",
            "plot_phase_transition", "plot_refusal"} <= rules(planned)  # fmt: skip
    assert not rules(planned) & {"measure_refusal", "select_refusal", "probe_adapters", "scale_adapters"}


def test_the_benign_organism_is_the_control_of_all_others(study: Workflow) -> None:
    study.change("studies.smoke.phase_transition.benign", OWN)
    assert rules(study.planned(GOAL)) == {"find_transition", "plot_phase_transition"}


MEASURING = {
    "phase_transition.bootstrap": (60, {"find_transition", "plot_phase_transition"}),
    "phase_transition.margin": (0.2, {"find_transition", "plot_phase_transition"}),
    "adapter_readings.bootstrap": (
        60,
        {"measure_adapter_readings", "summarise_adapter_groups", "plot_adapter_readings"},
    ),
    "refusal.folds": (4, {"compare_refusal", "plot_refusal"}),
    "refusal.subspace_rank": (2, {"compare_refusal", "plot_refusal"}),
}


@pytest.mark.parametrize("key", MEASURING)
def test_how_something_is_measured_replans_no_answers(study: Workflow, key: str) -> None:
    value, expected = MEASURING[key]
    study.change(f"studies.smoke.{key}", value)
    assert rules(study.planned(GOAL)) == expected


def test_of_the_atlas_the_study_itself_asks_for_the_refusal_direction_alone(study: Workflow) -> None:
    asked = {job.partition(" ")[0] for job in study.jobs()}
    of_the_atlas = {job.partition(" ")[0] for job in study.jobs(GOAL)} - asked
    assert {"measure_refusal", "select_refusal"} <= asked
    assert {"answer_at_checkpoints", "probe_adapters", "compare_refusal", "swap_refusal"} <= of_the_atlas
