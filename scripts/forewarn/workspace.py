"""Where an unfinished job keeps what it has done so far.

Snakemake deletes the outputs of a job that was interrupted, and rightly: half a result is none. So
checkpoints live outside the declared outputs, in a folder that is named by the key of the job, which the
ledger makes of all that decides its result: code, settings, contents of the inputs. A job that starts again
unchanged finds its folder and continues; after any change it starts afresh in another one.
"""

from __future__ import annotations

import fcntl
import logging
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

log = logging.getLogger("forewarn")

ROOT = Path(".forewarn/work")

job_key: ContextVar[str | None] = ContextVar("job_key", default=None)
"""The key of the running job; None outside of one, where nothing says what may be gone on from."""


@contextmanager
def workspace(name: str) -> Iterator[Path]:
    """Yield the checkpoint folder of the running job; delete it when the block succeeds, keep it otherwise.

    The folder is held by a lock of the operating system: when Snakemake was killed and its job lives on,
    the next run's job waits for that one instead of writing into the same checkpoints.

    Args:
        name: the stage, for people who look into the folder.
    """
    folder = ROOT / f"{name}-{(job_key.get() or uuid.uuid4().hex)[:16]}"
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
