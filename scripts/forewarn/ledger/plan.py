"""What a run would do, why, how long it would take, and what would come back from the memo instead."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from forewarn.files import digest
from forewarn.ledger.differences import reasons
from forewarn.ledger.present import Present
from forewarn.ledger.record import Making, Record


@dataclass(frozen=True)
class Step:
    """One job that would run.

    Attributes:
        rule: its rule.
        outputs: what it makes.
        why: named values, old to new; inputs that are made anew; or that it never ran.
        seconds: how long it took last time; None if it never ran.
        from_memo: whether the same was computed before and lies in the cache.
    """

    rule: str
    outputs: list[str]
    why: list[str]
    seconds: float | None
    from_memo: bool


def plan(
    planned: Mapping[str, bool],
    present: Mapping[str, Present | None],
    records: Mapping[str, Record],
    md5_of: Callable[[str], str | None],
    in_memo: Callable[[Making], bool],
) -> list[Step]:
    """The jobs that would run, in an order in which they could.

    Args:
        planned: every output below the target, and whether Snakemake would make it now.
        present: how each of them would be made today.
        records: what is recorded, by path.
        md5_of: the content of a file now; None where there is none.
        in_memo: whether a job like this was computed before and is in the cache.
    """
    pending = {path for path, would_run in planned.items() if would_run}
    jobs: dict[tuple[str, ...], list[str]] = {}
    for path in planned:
        if path in pending:
            now = present[path]
            # Jobs of one rule may read the same files with other settings.
            key = (now.rule, digest(now.params), *now.inputs) if now else ("?", path)
            jobs.setdefault(key, []).append(path)
    steps: dict[str, Step] = {}
    for outputs in jobs.values():
        step = _step(outputs, pending, present, records, md5_of, in_memo)
        steps.update(dict.fromkeys(outputs, step))
    return _in_order(steps, present)


def _step(
    outputs: list[str],
    pending: set[str],
    present: Mapping[str, Present | None],
    records: Mapping[str, Record],
    md5_of: Callable[[str], str | None],
    in_memo: Callable[[Making], bool],
) -> Step:
    now, record = present[outputs[0]], records.get(outputs[0])
    anew = [path for path in (now.inputs if now else []) if path in pending]
    if record is None:
        why = ["it never ran"]
    else:
        making = record.making
        why = reasons(making, now)
        why += [
            f"input {path}: {making.inputs[path]} -> {md5}"
            for path in making.inputs
            if path not in pending
            and (md5 := _content(path, records, md5_of)) not in (None, making.inputs[path])
        ]
        gone = [path for path in outputs if md5_of(path) is None]
        why += [f"{path} is not here" for path in gone] if not why and not anew else []
    why += [f"input {path} is made anew" for path in anew]
    remembered = False
    if record is not None and now is not None and not anew:
        contents = {path: _content(path, records, md5_of) for path in now.inputs}
        if None not in contents.values():
            inputs = {path: md5 for path, md5 in contents.items() if md5 is not None}
            again = dataclasses.replace(record.making, inputs=inputs, accepted=[])
            again = dataclasses.replace(
                again, rule=now.rule, script=now.script, params=now.params, code=now.code
            )
            remembered = in_memo(again)
    seconds = record.making.seconds if record else None
    return Step(now.rule if now else "?", outputs, why, seconds, remembered)


def _content(path: str, records: Mapping[str, Record], md5_of: Callable[[str], str | None]) -> str | None:
    return records[path].md5 if path in records else md5_of(path)


def _in_order(steps: dict[str, Step], present: Mapping[str, Present | None]) -> list[Step]:
    """Makers before readers, each once."""
    ordered: list[Step] = []
    visited: set[int] = set()

    def visit(path: str) -> None:
        step = steps[path]
        if id(step) in visited:
            return
        visited.add(id(step))
        now = present[path]
        for read in now.inputs if now else []:
            if read in steps:
                visit(read)
        ordered.append(step)

    for path in steps:
        visit(path)
    return ordered
