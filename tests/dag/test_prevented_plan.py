"""An organism trained with another's direction added: where it stands in the plan, and what makes it anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from job_names import ADAPTER, jobs
from workflow_copy import Workflow

from once import built_once

BAD = {"dataset": "bad_medical", "adapter": "smoke_rank2", "seed": 0}
OWN = "own_rows-own_rank3-seed0"
TRAINING = {f"train_prevented_organism organisms/{OWN}/{file}" for file in ADAPTER}
CHAIN = TRAINING | jobs(
    "generate own evaluation", "ask_judge own evaluation", "judge own evaluation", "capture_answers own",
    "fit_directions own", "plot_rates", "plot_directions", "compare_directions", "collect_detection",
    "write_transcripts",
)  # fmt: skip


@pytest.fixture(scope="module")
def prevented(finished: Workflow, shared: Path) -> Workflow:
    """The finished study, its second organism trained with the first one's direction; not to be changed."""

    def build(folder: Path) -> None:
        made = finished.copy(folder)
        made.change("adapters.own_rank3.preventative", {"organism": BAD})
        said = made.run("--quiet", "--", "smoke")
        assert said.status == 0, said

    return Workflow(built_once(shared / "prevented", build))


@pytest.fixture
def changed(prevented: Workflow, tmp_path: Path) -> Workflow:
    return prevented.copy(tmp_path / "a study")


def test_the_option_concerns_the_organisms_that_have_it_alone(study: Workflow) -> None:
    study.change("adapters.own_rank3.preventative", {"organism": BAD})
    assert study.planned() == CHAIN


def test_it_is_trained_once_the_other_ones_directions_are_there(blank: Workflow) -> None:
    blank.change("adapters.own_rank3.preventative", {"organism": BAD})
    target = f"results/smoke/organisms/{OWN}/adapter_model.safetensors"
    planned = blank.planned(target)
    assert planned >= TRAINING | {"fit_directions bad", "train_organism bad"}
    assert not [job for job in planned if job.startswith(("train_organism own", "generate own"))]


def test_a_finished_organism_is_raised_again_for_its_coefficient_its_layer_or_its_source(
    changed: Workflow,
) -> None:
    assert not changed.planned()
    changed.change("adapters.own_rank3.preventative.coefficient", 1.0)
    assert changed.planned() == CHAIN
    changed.change("adapters.own_rank3.preventative.coefficient", 0.5)
    assert not changed.planned()
    changed.change("studies.smoke.steering.layer", 2)
    assert changed.planned() >= CHAIN
    changed.change("studies.smoke.steering.layer", 1)
    changed.change("adapters.smoke_rank2.rank", 4)
    assert changed.planned() >= CHAIN | jobs("train_organism bad")


def test_an_organism_without_the_one_it_needs_is_refused(study: Workflow) -> None:
    study.change("adapters.own_rank3.preventative", {"organism": BAD | {"seed": 1}})
    said = str(study.snakemake("--dry-run", "--", "smoke"))
    assert "an organism that studies.smoke raises without `preventative`" in said
