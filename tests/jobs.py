"""Jobs as Snakemake gives them to a script, for tests that do without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from forewarn.job import SCRIPTS
from forewarn.ledger.closure import code_closure
from forewarn.ledger.index import Index
from forewarn.ledger.params import job_mapping


class Files(list[str]):
    """Files under names: a list of all, and pairs of name and file or files."""

    def __init__(self, named: Mapping[str, str | Sequence[str]]) -> None:
        self._named = named
        lists = [[value] if isinstance(value, str) else value for value in named.values()]
        super().__init__(file for files in lists for file in files)

    def items(self) -> Any:
        """Names, with a path or a list of them."""
        return self._named.items()


def parameters(script: str, settings: Any) -> SimpleNamespace:
    """The parameters of a rule with this script, e.g. `judge.py`."""
    with Index() as index:
        code = code_closure(SCRIPTS / script, SCRIPTS, index).code
    return SimpleNamespace(job=job_mapping(f"scripts/{script}", code, settings))


def make_job(
    script: str,
    settings: Any,
    inputs: Mapping[str, str | Sequence[str]],
    outputs: Mapping[str, str],
    *,
    log: str = "logs/job.log",
    threads: int = 1,
) -> SimpleNamespace:
    """A job of a rule that is called as its script is."""
    return SimpleNamespace(
        rule=script.removesuffix(".py"), wildcards={"model": "nano"}, input=Files(inputs),
        output=Files(outputs), params=parameters(script, settings), log=[log], threads=threads, resources={},
    )  # fmt: skip
