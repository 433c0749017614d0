"""Whether artifacts are what their records say, and what configuration and code would make today."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from forewarn.ledger.differences import reasons
from forewarn.ledger.present import Present
from forewarn.ledger.record import Record

Status = Literal["MATCH", "DRIFT", "STALE", "TAMPERED", "MISSING", "UNKNOWN"]
FAILING = ("STALE", "TAMPERED", "UNKNOWN")
FAILING_STRICTLY = (*FAILING, "DRIFT", "MISSING")


@dataclass(frozen=True)
class Finding:
    """What is to be said of one artifact.

    Attributes:
        path: of the artifact.
        status: MATCH: content, parameters, code and inputs are those of the record. DRIFT: so they are, but
            made in another environment than this. STALE: parameters, code or inputs are others now. TAMPERED:
            the content is not that of the record. MISSING: a record without its file, as after a partial
            pull. UNKNOWN: a file that a rule makes, without a record.
        why: named values, old to new; empty for MATCH.
    """

    path: str
    status: Status
    why: list[str] = field(default_factory=list)


def verify(
    records: Mapping[str, Record],
    files: Sequence[str],
    present: Mapping[str, Present | None],
    md5_of: Callable[[str], str | None],
    environment_of: Callable[[Record], tuple[dict[str, str], str]],
) -> list[Finding]:
    """Hold every artifact against its record, and every record against the present.

    A job is stale too if something that it reads is: its inputs would not be those of the record for long.

    Args:
        records: by path.
        files: paths of files below results that have no record.
        present: how each artifact, and each of `files`, would be made today; None where no rule makes it.
        md5_of: the content of a file now; None where there is none.
        environment_of: versions of the packages that a record names, and the device, as they are here.

    Returns:
        One finding per artifact, by path; of `files` only those that a rule makes.
    """
    stale: dict[str, list[str]] = {}

    def staleness(path: str) -> list[str]:
        if path in stale:
            return stale[path]
        stale[path] = []  # a record that is its own input must not loop
        record = records[path]
        found = reasons(record.making, present.get(path))
        for name, md5 in record.making.inputs.items():
            now = records[name].md5 if name in records else md5_of(name)
            if now is not None and now != md5:
                found.append(f"input {name}: {md5} -> {now}")
            elif name in records and staleness(name):
                found.append(f"input {name} is stale")
        stale[path] = found
        return found

    findings = []
    for path, record in records.items():
        content, why = md5_of(path), staleness(path)
        environment, device = environment_of(record)
        drift = [
            f"{name}: {version} -> {environment.get(name, 'not installed')}"
            for name, version in record.making.environment.items()
            if environment.get(name) != version
        ]
        if device != record.making.device:
            drift.append(f"device: {record.making.device} -> {device}")
        if content is not None and content != record.md5:
            finding = Finding(path, "TAMPERED", [f"content: {record.md5} -> {content}"])
        elif why:
            finding = Finding(path, "STALE", why)
        elif content is None:
            finding = Finding(path, "MISSING", ["not here: `dvc pull` brings it"])
        else:
            finding = Finding(path, "DRIFT" if drift else "MATCH", drift)
        findings.append(finding)
    findings += [
        Finding(path, "UNKNOWN", ["no record says what made it"]) for path in files if present.get(path)
    ]
    return sorted(findings, key=lambda finding: finding.path)


def has_failed(findings: Sequence[Finding], *, strict: bool = False) -> bool:
    """Whether a check of these findings fails: something is stale, tampered or unknown; or not perfect."""
    return any(finding.status in (FAILING_STRICTLY if strict else FAILING) for finding in findings)
