"""One truth about versions: the lock, the conda environments and what the code imports agree."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

CONDA_NAMES = {"matplotlib-base": "matplotlib"}
# Parts of a distribution that is required, under names of their own.
PARTS = {"annotated-types": "pydantic", "pydantic-core": "pydantic"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def lock(repository: Path) -> dict[str, str]:
    lines = (repository / "requirements.lock").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert all(len(pin) == 2 for pin in pins), "every line of the lock is an exact version"
    return {normal(name): version for name, version in pins}


@pytest.fixture(scope="module")
def required(repository: Path) -> set[str]:
    lines = (repository / "requirements.in").read_text().splitlines()
    return {normal(re.split(r"==|\[", line)[0]) for line in lines if line and not line.startswith("#")}


def test_the_lock_names_no_build_and_no_index(repository: Path, lock: dict[str, str]) -> None:
    assert lock["torch"] == "2.13.0"
    assert not [version for version in lock.values() if "+" in version]
    assert not [name for name in lock if name.startswith(("nvidia", "cuda", "triton"))]
    text = (repository / "requirements.lock").read_text()
    assert "://" not in text and not re.search(r"^-", text, re.MULTILINE)


def test_the_lock_holds_what_is_required(lock: dict[str, str], required: set[str]) -> None:
    assert required <= set(lock)


@pytest.mark.parametrize("name", ["light", "report", "torch"])
def test_conda_environments_have_the_versions_of_the_lock(
    name: str, repository: Path, lock: dict[str, str]
) -> None:
    content: Any = yaml.safe_load((repository / f"envs/{name}.yaml").read_text())
    assert content["channels"] == ["conda-forge", "nodefaults"]
    pins = {}
    for entry in content["dependencies"]:
        for line in entry["pip"] if isinstance(entry, dict) else [entry]:
            package, _, version = line.replace(" ", "").replace("==", "=").partition("=")
            pins[normal(CONDA_NAMES.get(package, package))] = version
    assert pins.pop("python") == "3.11"
    pins.pop("pip", None)
    assert pins == {package: lock[package] for package in pins}
    assert ("torch" in pins) == (name == "torch")


def test_rules_name_environments_that_exist(repository: Path) -> None:
    named = set()
    for path in (repository / "rules").glob("*.smk"):
        named |= set(re.findall(r'"\.\./(envs/[^"]+)"', path.read_text()))
    assert named == {str(path.relative_to(repository)) for path in (repository / "envs").iterdir()}


def test_all_that_is_imported_is_required(repository: Path, required: set[str]) -> None:
    files = [path for folder in ("scripts", "tests") for path in (repository / folder).rglob("*.py")]
    local = {path.stem for path in files} | {path.parent.name for path in files}
    distributions = packages_distributions()
    imported = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    missing = {}
    for name in imported - local - set(sys.stdlib_module_names):
        offered = {normal(found) for found in distributions.get(name, [name])}
        if not {PARTS.get(found, found) for found in offered} & required:
            missing[name] = offered
    assert not missing, "name these in requirements.in and run `make lock`"
