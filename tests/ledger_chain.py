"""A small study on record: rows -> data -> train (two outputs) -> rates, with no data behind it."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

from forewarn.ledger.present import Present
from forewarn.ledger.record import Making, Record

ROWS, DATA, RATES = "inputs/rows.jsonl", "results/m/data.parquet", "results/m/rates.json"
ADAPTER, CONFIG = "results/m/adapter.safetensors", "results/m/adapter.json"


def md5(content: str) -> str:
    return hashlib.md5(content.encode()).hexdigest()


def making(rule: str, inputs: list[str], outputs: list[str], **changes: Any) -> Making:
    return dataclasses.replace(
        Making(
            rule=rule,
            script=f"scripts/{rule}.py",
            wildcards={"model": "m"},
            params={"seed": 1, "sizes": {"rows": 4, "width": 8}},
            code={f"scripts/{rule}.py": md5(rule), "scripts/lib.py": md5("lib")},
            inputs={path: md5(path) for path in inputs},
            outputs=outputs,
            log=[f"logs/{rule}.log"],
            seed=1,
            environment={"python": "3.11.7", "pyarrow": "26.0.1"},
            device="cpu",
            threads=1,
            commit="0123456789abcdef",
            dirty=False,
            start="2026-01-01T00:00:00+00:00",
            seconds=2.5,
            memory_mb=100.0,
        ),
        **changes,
    )


def chain() -> dict[str, Record]:
    """The records, by path; the content of every file is its own path."""
    jobs = [
        making("data", [ROWS], [DATA]),
        making("train", [DATA], [ADAPTER, CONFIG], device="a GPU", seconds=100.0),
        making("rates", [ADAPTER, CONFIG], [RATES]),
    ]
    return {path: Record(path, md5(path), len(path), job) for job in jobs for path in job.outputs}


def today(records: dict[str, Record]) -> dict[str, Present]:
    """How all would be made today: as they were."""
    return {
        path: Present(r.making.rule, r.making.script, r.making.params, r.making.code, [*r.making.inputs])
        for path, r in records.items()
    }


def with_making(records: dict[str, Record], path: str, **changes: Any) -> dict[str, Record]:
    """The records with something changed about the job that made a path."""
    changed = dataclasses.replace(records[path].making, **changes)
    return records | {name: dataclasses.replace(records[name], making=changed) for name in changed.outputs}
