"""What a change of one organism makes anew of the comparison of all: its own pairs alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from workflow_copy import Workflow

from once import built_once

BAD, OTHER, OWN = "bad_medical-smoke_rank2-seed0", "bad_medical-smoke_rank2-seed1", "own_rows-own_rank3-seed0"
GOAL = "results/smoke/figures/convergence.svg"


@pytest.fixture(scope="module")
def compared(fresh: Workflow, shared: Path) -> Workflow:
    """Three organisms compared, with everything done; not to be changed."""

    def build(folder: Path) -> None:
        copy = fresh.copy(folder)
        bad = {"dataset": "bad_medical", "adapter": "smoke_rank2"}
        own = {"dataset": "own_rows", "adapter": "own_rank3"}
        copy.change("studies.smoke.organisms", [bad | {"seeds": [0, 1]}, own | {"seeds": [0]}])
        organisms = [bad | {"seed": 0}, bad | {"seed": 1}, own | {"seed": 0}]
        copy.change("studies.smoke.convergence", {"organisms": organisms, "random_directions": 50})
        said = copy.run("--quiet", "--", GOAL)
        assert said.status == 0, said

    return Workflow(built_once(shared / "compared", build))


@pytest.fixture
def study(compared: Workflow, tmp_path: Path) -> Workflow:
    """The same in a folder of its own, to change."""
    return compared.copy(tmp_path / "a study")


def of_convergence(planned: set[str]) -> set[str]:
    """The paths that the rules of convergence would write, below the results."""
    rules = ("compare_pair", "ablate_directions", "summarise_transfer", "summarise_convergence", "plot_conv")
    return {job.partition(" ")[2] for job in planned if job.startswith(rules)}


WHOLE = {"convergence.json", "figures/convergence.svg", "figures/transfer.svg"}


def test_a_changed_organism_is_compared_anew_and_the_others_stay_as_they_are(study: Workflow) -> None:
    assert study.planned(GOAL) == set()
    study.change("adapters.own_rank3.learning_rate", 0.003)
    planned = of_convergence(study.planned(GOAL))
    assert {path for path in planned if path.endswith(".parquet") and path.startswith("convergence")} == {
        f"convergence/{first}/{OWN}.parquet" for first in (BAD, OTHER)
    }
    assert planned >= WHOLE


def test_what_the_ablation_asks_concerns_no_cosine(study: Workflow) -> None:
    study.change("studies.smoke.convergence.random_per_subject", 3)
    planned = of_convergence(study.planned(GOAL))
    assert not {path for path in planned if path.startswith("convergence/") and path.endswith(".parquet")}
    for subject in (BAD, OTHER, OWN):
        assert f"steering/{subject}/transfer_matrix/generations.parquet" in planned


def test_the_random_directions_of_cosines_concern_no_answers(study: Workflow) -> None:
    study.change("studies.smoke.convergence.random_directions", 60)
    planned = of_convergence(study.planned(GOAL))
    pairs = {(BAD, OTHER), (BAD, OWN), (OTHER, OWN)}
    assert planned == {f"convergence/{first}/{second}.parquet" for first, second in pairs} | WHOLE


def test_the_study_itself_does_not_ask_for_the_comparison(study: Workflow) -> None:
    assert not of_convergence(set(study.jobs()))
