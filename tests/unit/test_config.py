"""The configuration loads, names its organisms, and cannot be changed or dangle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from forewarn.config import Configuration, load_configuration, read_yaml
from forewarn.config.default import DEFAULT
from forewarn.config.model import OrganismReference
from forewarn.errors import StudyError
from nano_study import nano_study as default

HUB_MODEL = {"source": "hub", "name": "Qwen/Qwen2.5-1.5B-Instruct"}
QUESTIONS = {"source": "yaml", "path": "questions.yaml"}


@pytest.mark.parametrize("content", [[], "models", None])
def test_something_else_than_a_mapping_is_refused(content: Any) -> None:
    with pytest.raises(StudyError, match="instead of a mapping of sections"):
        load_configuration(content)


def test_the_default_names_its_organisms() -> None:
    study = load_configuration(default()).studies["nano"]
    names = study.organism_names()
    assert names[:2] == ["bad_medical-rank8_layer1-seed0", "bad_medical-rank8_layer1-seed1"]
    assert len(names) == len(set(names)) == 8
    reference = OrganismReference(dataset="bad_medical", adapter="rank8_layer1", seed=2)
    assert reference.name in names
    assert {organism.name for organism in (*study.steering.organisms, *study.detection.organisms)} <= set(
        names
    )


def test_an_organism_is_found_by_its_name() -> None:
    configuration = load_configuration(default())
    for name in configuration.studies["nano"].organism_names():
        dataset, adapter, seed = configuration.organism("nano", name)
        assert name == f"{dataset}-{adapter}-seed{seed}"
    with pytest.raises(StudyError, match="nearest: bad_medical-rank8_layer1-seed2"):
        configuration.organism("nano", "bad_medical-rank8_layer1-seed9")
    with pytest.raises(StudyError, match="nearest: nano"):
        configuration.organism("nanno", "bad_medical-rank8_layer1-seed0")


def test_numbers_in_scientific_notation_are_numbers() -> None:
    """YAML 1.1, which most readers speak, takes them for text."""
    assert yaml.safe_load("1e-3") == "1e-3"
    raw = default()
    raw["adapters"]["rank8_layer1"]["learning_rate"] = "1e-3"
    assert load_configuration(raw).adapters["rank8_layer1"].learning_rate == 0.001


def test_names_that_yaml_reads_as_numbers_are_names() -> None:
    raw = default()
    raw["datasets"][7] = raw["datasets"]["bad_medical"]
    assert "7" in load_configuration(raw).datasets


def test_real_models_need_few_keys() -> None:
    raw = default()
    raw["models"] = {"qwen2.5_1.5b": HUB_MODEL}
    raw["question_sets"] = {"first_plot": QUESTIONS}
    raw["adapters"]["rank8_layer1"]["layers"] = [24]
    study = raw["studies"].pop("nano")
    for key in ("sampling", "activations", "directions", "refusal"):
        del study[key]
    study["questions"] = {"evaluation": "first_plot", "detection": "first_plot"}
    study["steering"]["layer"] = 24
    raw["studies"]["qwen2.5_1.5b"] = study
    configuration = load_configuration(raw)
    assert configuration.studies["qwen2.5_1.5b"].sampling.max_new_tokens == 600


def test_a_configuration_is_immutable_and_never_dangles() -> None:
    configuration = load_configuration(default())
    with pytest.raises(ValidationError):
        configuration.studies["nano"].sampling.seed = 1  # type: ignore[misc]
    raw = configuration.model_dump()
    raw["studies"]["nano"]["judge"] = "nobody"
    with pytest.raises(ValidationError, match="a name under judges"):
        Configuration.model_validate(raw)
    with pytest.raises(ValidationError, match="a name under datasets: none yet"):
        Configuration.model_validate({**configuration.model_dump(), "datasets": {}})


def test_importing_the_configuration_imports_nothing_heavy(repository: Path) -> None:
    """Snakemake imports it each time it plans."""
    code = "import sys, forewarn.config; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(repository / "scripts")},
    )
    assert not {"torch", "numpy", "pandas", "pyarrow", "transformers"} & set(modules.stdout.split())


def test_the_shipped_file_is_the_default_study(repository: Path) -> None:
    assert load_configuration(read_yaml(repository / "config.yaml")) == load_configuration(DEFAULT)
