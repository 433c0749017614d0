"""One job per GPU: on a machine with several, each job takes one that no other job holds.

A lock of the operating system holds a GPU for as long as the job lives, however it ends. Where a cluster
gives GPUs to jobs, it has done so already, and nothing is held.
"""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

log = logging.getLogger("forewarn")

VISIBLE = "CUDA_VISIBLE_DEVICES"
SHARED = "FOREWARN_JOBS_PER_GPU"
"""Environment variable: jobs that may share a GPU; 1 if it is not set."""
CLUSTER = ("SLURM_JOB_ID", "LSB_JOBID", "PBS_JOBID")
"""Variables of clusters, which give GPUs to jobs themselves."""
PAUSE = 1.0  # seconds between two looks


@contextmanager
def held_gpu(wanted: int, folder: Path | None = None) -> Iterator[str | None]:
    """Hold one GPU while the block runs, and let this process see no other; wait if all are held.

    Must be entered before torch is imported.

    Args:
        wanted: GPUs that the job asks for; 0 for none.
        folder: where the locks stand; that of temporary files by default, for all checkouts of a user.

    Yields:
        The GPU's number or UUID; None if nothing is held.
    """
    gpus = visible_gpus() if wanted and not any(name in os.environ for name in CLUSTER) else []
    if not gpus:
        yield None
        return
    locks = folder or Path(tempfile.gettempdir(), f"forewarn-gpus-{os.getuid()}")
    locks.mkdir(mode=0o700, exist_ok=True)
    before = os.environ.get(VISIBLE)
    with ExitStack() as stack:
        gpu = _first_free(gpus, locks, stack)
        os.environ[VISIBLE] = gpu
        try:
            yield gpu
        finally:
            os.environ.pop(VISIBLE, None)
            if before is not None:
                os.environ[VISIBLE] = before


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, by number or UUID."""
    named = os.environ.get(VISIBLE)
    if named is not None:
        return [gpu.strip() for gpu in named.split(",") if gpu.strip() not in ("", "-1")]
    try:
        told = subprocess.run(
            ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return []  # no driver: no GPU
    return [line.strip() for line in told.stdout.splitlines() if line.strip()]


def _first_free(gpus: list[str], locks: Path, stack: ExitStack) -> str:
    places = range(max(1, int(os.environ.get(SHARED) or 1)))
    waiting = False
    while True:
        for place in places:  # one job on each GPU before a second one on any
            for gpu in gpus:
                file = stack.enter_context((locks / f"{gpu}.{place}").open("w"))
                if _locked(file):
                    return gpu
        if not waiting:
            log.info("each of the %d GPUs has its job; waiting for one to end", len(gpus))
            waiting = True
        time.sleep(PAUSE)


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    return True
