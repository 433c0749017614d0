"""What a preflight finds: lines of a table, and the error that tells all problems at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from forewarn.errors import StudyError


@dataclass(frozen=True)
class Finding:
    """One line of the table.

    Attributes:
        what: the thing that was looked at.
        state: `ok`, `warning` (it will be slower or larger than one may think) or `problem`.
        says: what was found.
        way_out: what to do about it; empty if nothing.
    """

    what: str
    state: Literal["ok", "warning", "problem"]
    says: str
    way_out: str = ""

    def __str__(self) -> str:
        """The line, with the way out below it."""
        mark = {"ok": "ok     ", "warning": "WARNING", "problem": "PROBLEM"}[self.state]
        return f"{mark} {self.what}: {self.says}" + (f"\n        {self.way_out}" if self.way_out else "")


def refuse_problems(findings: list[Finding], model: str) -> None:
    """Raise a StudyError that tells all problems at once, if there are any."""
    problems = [finding for finding in findings if finding.state == "problem"]
    if problems:
        listed = "\n".join(str(finding) for finding in problems)
        raise StudyError(
            f"the study of {model} cannot run here:\n{listed}",
            "mend what stands above; nothing has been computed or paid for",
        )
