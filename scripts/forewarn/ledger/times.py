"""How long targets took: the time of the jobs behind each, from records alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forewarn.ledger.audit import audit
from forewarn.ledger.record import Record


@dataclass(frozen=True)
class Time:
    """What one target took.

    Attributes:
        target: path of the artifact.
        jobs: how many jobs were run for it.
        seconds: their durations together, when they were last computed and not found in the memo.
    """

    target: str
    jobs: int
    seconds: float


def times(targets: Sequence[str], beyond: Sequence[str], records: dict[str, Record]) -> list[Time]:
    """The time of each target; a job that several need counts with the first of them.

    Args:
        targets: paths of artifacts.
        beyond: artifacts that were there before: jobs behind these do not count.
        records: of one revision.

    Raises:
        StudyError: a target has no record.
    """
    counted = {key for target in beyond for key in _jobs(target, records)}
    found = []
    for target in targets:
        new = {key: seconds for key, seconds in _jobs(target, records).items() if key not in counted}
        counted.update(new)
        found.append(Time(target, len(new), sum(new.values())))
    return found


def as_lines(found: Sequence[Time]) -> list[str]:
    """One line per target, and their sum."""
    total = Time("together", sum(time.jobs for time in found), sum(time.seconds for time in found))
    return [f"{time.seconds:7.1f} s  {time.jobs:4} jobs  {time.target}" for time in [*found, total]]


def _jobs(target: str, records: dict[str, Record]) -> dict[str, float]:
    """First output -> duration, of all jobs behind a target."""
    return {job["outputs"][0]: job["seconds"] for job in audit(target, records)["jobs"]}
