"""What was computed once need not be computed again: from what decides a job's result to the result.

The key of a job is a hash of its rule, code, parameters, input contents, environment and outputs' names.
Under it the records of its outputs are kept, here in `.forewarn/memo`; the contents are in DVC's cache. So a
changed setting that is changed back, a branch that was left, or a step whose inputs were made anew with the
same bytes costs a copy and no computation. `dvc gc` empties the cache; a memo whose objects are gone is none.
"""

from __future__ import annotations

from pathlib import Path

from forewarn.files import digest, read_json, write_json
from forewarn.ledger.cache import bring_back, object_path
from forewarn.ledger.record import Making, Record

FOLDER = Path(".forewarn/memo")


def memo_key(making: Making) -> str:
    """The hash of what decides a job's result."""
    parts = ("rule", "script", "wildcards", "params", "code", "inputs", "outputs", "environment", "device")
    return digest({name: getattr(making, name) for name in parts})


def remember(records: list[Record]) -> None:
    """Keep the records of all outputs of one job for the next time."""
    making = records[0].making
    if making.accepted:  # not what this code computes
        return
    path = FOLDER / f"{memo_key(making)}.json"
    if not path.exists():
        write_json(path, {"records": [record.to_json() for record in records]})


def find(making: Making) -> list[Record] | None:
    """The records of an equal job whose outputs are all in the cache; None if there is none."""
    path = FOLDER / f"{memo_key(making)}.json"
    if not path.exists():
        return None
    records = [Record.from_json(content) for content in read_json(path)["records"]]
    return records if all(object_path(record.md5).exists() for record in records) else None


def bring_all_back(records: list[Record]) -> None:
    """Put the outputs of a remembered job in their places."""
    for record in records:
        bring_back(record.md5, Path(record.path))
