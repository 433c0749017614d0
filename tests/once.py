"""What several test processes share, made by the first that needs it."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Keep the other test processes that ask for the same lock waiting."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def built_once(folder: Path, build: Callable[[Path], object]) -> Path:
    """Let the first of several test processes build `folder`, while the others wait for it."""
    done = folder.with_name(f"{folder.name} is done")
    with alone(folder.with_name(f"{folder.name}.lock")):
        if not done.exists():
            if folder.exists():
                pytest.fail(f"{folder.name} could not be made; the first test that needed it says why")
            build(folder)
            done.touch()
    return folder
