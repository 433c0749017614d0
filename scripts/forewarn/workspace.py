"""Where an unfinished job keeps what it has done so far.

Snakemake deletes the outputs of a job that was interrupted, and rightly: half a result is none. So
checkpoints live outside the declared outputs, in a folder whose name is a digest of everything that
determines the result. A job that starts again with the same code, settings and input contents finds its
folder and continues; after any change it starts afresh in another one. The code counts like the rest: half
of the answers by one version and half by the next would be the result of neither.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from forewarn.files import digest

log = logging.getLogger("forewarn")

ROOT = Path(".forewarn/work")

job_key: ContextVar[str] = ContextVar("job_key", default="")
"""What the running job knows of itself beyond settings and inputs: a digest with its code and environment."""


@contextmanager
def workspace(name: str, settings: Any, inputs: Sequence[Path], root: Path | None = None) -> Iterator[Path]:
    """Yield the checkpoint folder of one job; delete it when the block succeeds, keep it otherwise.

    The folder is held by a lock of the operating system: when Snakemake was killed and its job lives on,
    the next run's job waits for that one instead of writing into the same checkpoints.

    Args:
        name: the stage, for people who look into the folder.
        settings: all settings that influence the result (JSON-serialisable).
        inputs: the input files; their contents count, not their names or times.
        root: where the folders stand; `.forewarn/work` of the project by default.
    """
    contents = []
    for path in inputs:
        with Path(path).open("rb") as file:
            contents.append(hashlib.file_digest(file, "sha256").hexdigest())
    folder = (root or ROOT) / f"{name}-{digest([job_key.get(), settings, contents])[:16]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("another process is at work on this very job; waiting for it to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir(exist_ok=True)
        yield folder
        shutil.rmtree(folder)
