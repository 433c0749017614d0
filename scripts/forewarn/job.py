"""What every script does around its `main`: logging, threads, and errors a user can read.

A script ends with::

    if "snakemake" in globals():
        run(main, snakemake)

`main` is called with the rule's named inputs and outputs (as `Path`, or a list of them), the settings in
the rule's one parameter, and `threads` if its signature asks for it, all by keyword. So a `main` can be
read as the contract of its rule, and called from a test without Snakemake.

Before, the ledger is asked whether the same was computed before, and after, the outputs are recorded there,
with what `main` returns: a mapping of what it found out and no setting said, if it returns one.
"""

from __future__ import annotations

import gc
import inspect
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from forewarn.errors import StudyError
from forewarn.gpus import held_gpu
from forewarn.ledger.entry import draft, enter
from forewarn.ledger.memo import bring_all_back, find, memo_key
from forewarn.ledger.record import write_record
from forewarn.redaction import Discreet
from forewarn.workspace import job_key

SCRIPTS = Path(__file__).resolve().parents[1]

log = logging.getLogger("forewarn")


def run(main: Callable[..., Mapping[str, Any] | None], job: Any) -> None:
    """Call `main` with what Snakemake gave the job; exit without traceback on a StudyError or Ctrl-C."""
    # What the libraries import and the models hold lives to the end. To search it for cycles as often as
    # Python does by default takes an eighth of the eight seconds that the imports of a torch job take.
    gc.set_threshold(100_000, 50, 100)
    start_log(Path(job.log[0]) if job.log else None)
    use_threads(job.threads)
    arguments: dict[str, Any] = {**_paths(job.input), **_paths(job.output)}
    offered = {"settings": job.params.job["settings"], "threads": job.threads}
    wanted = inspect.signature(main).parameters
    arguments |= {name: value for name, value in offered.items() if name in wanted}
    started = time.monotonic()
    try:
        making = draft(job, SCRIPTS)
        job_key.set(memo_key(making))  # what was left half done by another version is none of this one's
        if records := find(making):
            bring_all_back(records)
            before = records[0].making
            log.info("the same was computed on %s, in %.0f s: taken from there", before.start, before.seconds)
        else:
            with held_gpu(int(job.resources.get("gpu") or 0)):
                found = main(**arguments)
            records = enter(making, time.monotonic() - started, found)
        for record in records:
            write_record(record)
    except StudyError as error:
        log.error("%s", error)
        sys.exit(1)
    except KeyboardInterrupt:
        log.info("interrupted; the same command goes on from what is done")
        sys.exit(130)  # what shells give for SIGINT
    except Exception:
        log.exception("this is not your input's fault but a bug of ours, or of the machine:")
        sys.exit(1)
    log.info("done in %.1f s", time.monotonic() - started)


def start_log(path: Path | None) -> None:
    """Log to `path` and to standard error, with times, without secrets; warnings of libraries included."""
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(Discreet("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    log.setLevel(logging.INFO)
    logging.captureWarnings(True)


def use_threads(threads: int) -> None:
    """Set the thread count of the numeric libraries; takes effect if they are not imported yet.

    Passive waiting: two single-threaded jobs on two cores beat one job on two threads, and spinning
    threads of one job would take the core of the other.
    """
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    os.environ["OMP_WAIT_POLICY"] = "passive"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def _paths(files: Any) -> dict[str, Path | list[Path]]:
    """The named files of a rule; several under one name give a list, none leave the name out."""
    return {
        name: Path(value) if isinstance(value, str) else [Path(item) for item in value]
        for name, value in files.items()
        if value
    }
