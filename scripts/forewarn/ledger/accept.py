"""Keeping a result although its code changed, or a file as it lies there; the record says so for ever."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from forewarn.errors import StudyError
from forewarn.ledger.differences import changed_values
from forewarn.ledger.present import Present
from forewarn.ledger.record import Record
from forewarn.ledger.revision import record_of


def accept(
    target: str,
    records: Mapping[str, Record],
    present: Mapping[str, Present | None],
    content_of: Callable[[str], tuple[str, int] | None],
    *,
    who: str,
    when: str,
    why: str,
) -> list[Record]:
    """New records for all outputs of the job that made a target; they are not written here.

    What can be accepted: other code than the record names, because it makes no difference; other content
    than the record names, because it was changed on purpose. Parameters and inputs decide what the result
    *is*, and are never accepted: for those, the job has to run.

    Args:
        target: path of an artifact.
        records: by path.
        present: how the outputs of the job would be made today.
        content_of: md5 and size of a file now; None where there is none.
        who: the person.
        when: the time, ISO 8601.
        why: the reason, in a person's words.

    Raises:
        StudyError: there is no record, no reason, nothing to accept, or what differs cannot be accepted.
    """
    if not why.strip():
        raise StudyError("a result is accepted for a reason", 'give it: --why "..."')
    record = record_of(target, dict(records))
    now = present.get(record.path)
    if now is None:
        raise StudyError(
            f"no rule makes {target} any more",
            "put the rule back, or delete the file and its record",
        )
    making = record.making
    _check_the_rest(target, record, records, now)
    code = {path: making.code.get(path) for path in sorted({*making.code, *now.code})
            if making.code.get(path) != now.code.get(path)}  # fmt: skip
    outputs = {path: records[path] for path in making.outputs if path in records}
    contents = {path: content_of(path) for path in outputs}
    changed = {
        path: outputs[path].md5
        for path, content in contents.items()
        if content is not None and content[0] != outputs[path].md5
    }
    if not code and not changed:
        raise StudyError(
            f"there is nothing to accept about {target}: code and content are those of its record",
            "`python scripts/ledger.py verify` tells what is stale, and why",
        )
    entry: dict[str, Any] = {"who": who, "when": when, "why": why.strip(), "code": code}
    if changed:
        entry["content"] = changed
    accepted = dataclasses.replace(making, code=now.code, accepted=[*making.accepted, entry])
    return [Record(path, *(contents[path] or (old.md5, old.size)), accepted) for path, old in outputs.items()]


def _check_the_rest(target: str, record: Record, records: Mapping[str, Record], now: Present) -> None:
    making = record.making
    parameters = changed_values(making.params, now.params)
    if parameters:
        named = ", ".join(f"{name}: {old} -> {new}" for name, (old, new) in parameters.items())
        raise StudyError(
            f"{target} was made with other parameters ({named})",
            "run it again: snakemake makes what depends on them; or change the configuration back",
        )
    others = sorted({*making.inputs} ^ {*now.inputs})
    others += [path for path, md5 in making.inputs.items() if path in records and records[path].md5 != md5]
    if others:
        raise StudyError(
            f"{target} was made from other inputs than there are now: {', '.join(others)}",
            "run it again; or accept those first, if they were changed on purpose",
        )
