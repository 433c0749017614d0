"""The job's own side of the ledger: what it is about to make, and the record of what it made.

A job writes the records of its outputs itself, when it has succeeded. So it does not matter who started it,
where, or how many others run beside it; and what was killed has no record.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forewarn.errors import StudyError
from forewarn.ledger.cache import keep
from forewarn.ledger.closure import closure_digest, code_closure
from forewarn.ledger.environment import commit, device, live_versions, peak_memory
from forewarn.ledger.index import Index
from forewarn.ledger.memo import remember
from forewarn.ledger.record import Making, Record


def draft(job: Any, scripts: Path) -> Making:
    """What is known of a job before it starts.

    Args:
        job: what Snakemake gives a script: `rule`, `wildcards`, `input`, `output`, `log`, `threads`, and
            `params.job`, the mapping of `forewarn.ledger.params`.
        scripts: the folder of scripts and local modules.

    Raises:
        StudyError: the code has changed since the run was planned, or an input is gone.
    """
    planned = job.params.job
    with Index() as index:
        closure = code_closure(scripts.parent / planned["script"], scripts, index)
        if closure_digest(closure.code) != planned["code"]:
            raise StudyError(
                "the code of this job has changed since the run was planned",
                "run again; what is done already is kept",
            )
        for path in job.input:
            if not Path(path).is_file():
                raise StudyError(f"{path} is gone, or is no file", "run again: what is missing is made anew")
        inputs = {str(path): index.md5(Path(path)) for path in sorted(set(job.input))}
    version, dirty = commit()
    return Making(
        rule=job.rule,
        script=planned["script"],
        wildcards={name: str(value) for name, value in sorted(job.wildcards.items())},
        params=planned["settings"],
        code=closure.code,
        inputs=inputs,
        outputs=[str(path) for path in job.output],
        log=[str(path) for path in job.log],
        seed=_seed(planned["settings"]),
        environment=live_versions(closure.packages),
        device=device(closure.packages),
        threads=job.threads,
        commit=version,
        dirty=dirty,
        start=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0,
        memory_mb=0.0,
    )


def enter(making: Making, seconds: float, found: Mapping[str, Any] | None = None) -> list[Record]:
    """Keep the outputs of a job that has just succeeded; return their records, which are still to be written.

    The contents go into the cache and what is known of them into the memo before any record is written.
    Killed in between, the job runs once more and finds itself in the memo.

    Args:
        making: what `draft` said.
        seconds: how long the job took.
        found: what it found out, see `Making.found`.
    """
    done = dataclasses.replace(
        making, seconds=round(seconds, 1), memory_mb=peak_memory(), found=dict(found or {})
    )
    records = []
    with Index() as index:
        for name in done.outputs:
            path = Path(name)
            md5 = index.md5(path)
            keep(path, md5)
            records.append(Record(name, md5, path.stat().st_size, done))
    remember(records)
    return records


def _seed(settings: Any) -> int | None:
    """The seed that stands highest among the settings."""
    level = [settings]
    while level:
        for mapping in level:
            if isinstance(mapping.get("seed"), int):
                return int(mapping["seed"])
        level = [value for mapping in level for value in mapping.values() if isinstance(value, dict)]
    return None
