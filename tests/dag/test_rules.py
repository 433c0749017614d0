"""What every rule has, and how long the files of the workflow may be."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
from workflow_copy import OVERLAY, PROCESSES, Workflow

LONGEST = {"Snakefile": 130, "rules/*.smk": 150, "scripts/*.py": 60, "scripts/forewarn/**/*.py": 250}
"""Lines of a file, by where it is."""
COMMANDS = {"ledger.py", "preflight.py"}
RULE = re.compile(r'job=job\(\s*"(?P<job>\w+\.py)".*script:\s+"../scripts/(?P<script>\w+\.py)"', re.DOTALL)
UNBOUNDED = {"rules/common.smk"}


def describe(folder: Path, written: Path) -> None:
    """In a process of its own: what Snakemake has understood of each rule that runs something, as JSON."""
    import os

    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings

    os.chdir(folder)
    with SnakemakeApi(OutputSettings()) as api:
        settings = ConfigSettings(configfiles=[Path(OVERLAY)])
        workflow = api.workflow(ResourceSettings(cores=1), config_settings=settings)._workflow
        rules = [
            {
                "name": rule.name,
                "script": rule.script,
                "log": len(rule.log),
                "benchmark": str(rule.benchmark or ""),
                "conda": rule.conda_env,
                "resources": sorted(rule.resources),
                "message": rule.message,
                "params": {"named": list(rule.params.keys()), "all": len(rule.params)},
                "input": {"named": list(rule.input.keys()), "all": len(rule.input)},
                "output": {"named": list(rule.output.keys()), "all": len(rule.output)},
            }
            for rule in workflow.rules
            if not rule.norun
        ]
    written.write_text(json.dumps(rules), encoding="utf-8")


@pytest.fixture(scope="module")
def rules(fresh: Workflow, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("rules")
    written = folder / "rules.json"
    process = PROCESSES.Process(target=describe, args=(fresh.copy(folder / "workflow").folder, written))
    process.start()
    process.join(120)
    assert process.exitcode == 0
    found = json.loads(written.read_text(encoding="utf-8"))
    assert len(found) > 15
    return found


def test_every_rule_says_what_it_does_and_needs(rules: list[dict[str, Any]], repository: Path) -> None:
    for rule in rules:
        assert rule["log"] == 1, rule
        assert rule["benchmark"], rule
        assert rule["message"], rule
        assert {"mem_mb", "runtime"} <= set(rule["resources"]), rule
        assert rule["params"] == {"named": ["job"], "all": 1}, rule
        assert rule["output"]["named"], rule
        assert (repository / "rules" / rule["conda"]).is_file(), rule
        assert (repository / "rules" / rule["script"]).is_file(), rule


WITHOUT_SETTINGS = {
    "merge_generations", "merge_prompt_activations", "merge_answer_activations", "plot_token_curve",
    "plot_phase_transition", "plot_adapter_readings", "plot_elasticity", "write_table",
    "plot_elasticity_sweeps", "plot_screening", "plot_prevention",
}  # fmt: skip


def test_scripts_take_what_their_rules_give(rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        main = importlib.import_module(Path(rule["script"]).stem).main
        wanted = inspect.signature(main).parameters
        given = {*rule["input"]["named"], *rule["output"]["named"], "settings"}
        needed = {name for name, parameter in wanted.items() if parameter.default is parameter.empty}
        assert given - ({"settings"} if rule["name"] in WITHOUT_SETTINGS else set()) <= set(wanted), rule[
            "name"
        ]
        assert needed <= given | {"threads"}, rule["name"]


def test_every_script_belongs_to_a_rule(rules: list[dict[str, Any]], repository: Path) -> None:
    scripts = {path.name for path in (repository / "scripts").glob("*.py")}
    assert scripts - COMMANDS == {Path(rule["script"]).name for rule in rules}


def test_the_code_of_a_rule_is_that_of_its_script(repository: Path) -> None:
    named = [
        (match["job"], match["script"])
        for path in (repository / "rules").glob("*.smk")
        for rule in re.split(r"(?m)^rule ", path.read_text(encoding="utf-8"))
        if (match := RULE.search(rule))
    ]
    assert len(named) > 15
    assert all(job == script for job, script in named)


def test_snakemake_has_nothing_to_remark(blank: Workflow) -> None:
    said = blank.snakemake("--lint", overlays=())
    assert said.status == 0
    assert "in a good condition" in str(said)


@pytest.mark.parametrize("pattern", LONGEST)
def test_files_are_short(repository: Path, pattern: str) -> None:
    files = {path.relative_to(repository).as_posix(): path for path in repository.glob(pattern)}
    assert files
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in files.items()}
    too_long = {name: n for name, n in lines.items() if n > LONGEST[pattern] and name not in UNBOUNDED}
    assert too_long == {}
