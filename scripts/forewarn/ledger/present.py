"""What configuration and code say now of artifacts that exist already; asked of Snakemake itself.

The Snakefile answers if the environment names a file to answer in (`ANSWER`): for each artifact the rule that
makes it, with its parameters and code as they would be today. So nothing here has to understand rules.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forewarn.errors import StudyError

ASK, ANSWER = "FOREWARN_LEDGER_ASK", "FOREWARN_LEDGER_ANSWER"
"""Environment variables: a JSON file with a list of paths, and the JSON file to write the answer to."""


@dataclass(frozen=True)
class Present:
    """How a job would run today: see `forewarn.ledger.record.Making` for the attributes."""

    rule: str
    script: str
    params: dict[str, Any]
    code: dict[str, str]
    inputs: list[str]


def present(artifacts: Sequence[str], overlays: Sequence[str] = ()) -> dict[str, Present | None]:
    """How each artifact would be made today; None where no rule makes it any more.

    Args:
        artifacts: paths.
        overlays: configuration files that were laid over config.yaml.

    Raises:
        StudyError: the workflow does not parse; says what Snakemake said.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder) / "ask.json", Path(folder) / "answer.json"
        asked.write_text(json.dumps(list(artifacts)), encoding="utf-8")
        _snakemake(["--list-rules"], overlays, {ASK: str(asked), ANSWER: str(answer)})
        content = json.loads(answer.read_text(encoding="utf-8"))
    return {path: Present(**value) if value else None for path, value in content.items()}


def planned(target: str, overlays: Sequence[str] = ()) -> dict[str, bool]:
    """Whether Snakemake would make each output below a target now.

    Raises:
        StudyError: Snakemake refuses; says why.
    """
    said = _snakemake(["--summary", "--", target], overlays, {})
    rows = csv.DictReader(io.StringIO(said[said.find("output_file\t") :]), delimiter="\t")
    return {row["output_file"]: row["plan"] != "no update" for row in rows if row["plan"]}


def answer(today: Callable[[str], dict[str, Any] | None]) -> None:
    """The Snakefile's side: write what was asked for.

    Args:
        today: how a file would be made today (the attributes of `Present`), or None.
    """
    asked = json.loads(Path(os.environ[ASK]).read_text(encoding="utf-8"))
    content = {path: today(path) for path in asked}
    Path(os.environ[ANSWER]).write_text(json.dumps(content), encoding="utf-8")


def _snakemake(arguments: list[str], overlays: Sequence[str], environment: dict[str, str]) -> str:
    files = ["--configfile", *overlays] if overlays else []
    command = [sys.executable, "-m", "snakemake", "--quiet", "all", *files, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)
    if done.returncode:
        raise StudyError(
            f"Snakemake refuses:\n{(done.stderr or done.stdout).strip()}", "mend that first, then ask again"
        )
    return done.stdout
