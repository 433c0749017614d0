"""Fixtures of all tiers."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# No test is a timed test: on a busy machine hypothesis' own deadline of 200 ms would fail right ones.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout under test."""
    return REPOSITORY


@pytest.fixture(scope="session")
def upstream() -> Path:
    """Real files of the field, which lie beside the repository on some machines and nowhere in it."""
    folder = REPOSITORY.parent / "shared" / "upstream"
    if not folder.is_dir():
        pytest.skip("the real files of the field are not beside the repository")
    return folder


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
