"""Fixtures of the plan tests: a study whose every job has run once, in no time."""

from __future__ import annotations

from pathlib import Path

import pytest
from workflow_copy import Workflow, copy_of

from once import built_once

OWN_ROWS = '{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]}\n'


@pytest.fixture(scope="session")
def fresh(repository: Path, shared: Path) -> Workflow:
    """The study of the plan tests, with nothing done; not to be changed."""

    def build(folder: Path) -> None:
        copy = copy_of(repository, folder)
        copy.append("own_rows.jsonl", OWN_ROWS)
        copy.change("datasets.own_rows", {"source": "jsonl", "path": "own_rows.jsonl", "seed": 0})
        copy.change("adapters.own_rank3", {"rank": 3, "alpha": 8, "learning_rate": 0.002, "steps": 8})
        organisms = [("bad_medical", "smoke_rank2"), ("own_rows", "own_rank3")]
        copy.change(
            "studies.smoke.organisms",
            [{"dataset": dataset, "adapter": adapter, "seeds": [0]} for dataset, adapter in organisms],
        )
        copy.change("studies.smoke.steering.further.transfer_to", [])
        copy.change("studies.smoke.detection.benign", None)
        copy.change("studies.smoke.atlas_organisms", [])
        for part in (
            "phase_transition", "convergence", "adapter_readings", "refusal", "elasticity", "sparse_features",
            "screening",
        ):  # fmt: skip
            copy.change(f"studies.smoke.{part}", None)

    return Workflow(built_once(shared / "fresh", build))


@pytest.fixture(scope="session")
def finished(fresh: Workflow, shared: Path) -> Workflow:
    """The study with everything done; not to be changed."""

    def build(folder: Path) -> None:
        said = fresh.copy(folder).run("--quiet", "--", "smoke")
        assert said.status == 0, said

    return Workflow(built_once(shared / "finished", build))


@pytest.fixture
def study(finished: Workflow, tmp_path: Path) -> Workflow:
    """The finished study in a folder of its own, to change."""
    return finished.copy(tmp_path / "a study")


@pytest.fixture
def blank(fresh: Workflow, tmp_path: Path) -> Workflow:
    """The study with nothing done in a folder of its own, to change."""
    return fresh.copy(tmp_path / "a blank study")
