"""What a study says about elasticity over models: who is compared, and that all are pushed back alike."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from forewarn.config import load_configuration
from forewarn.config.default import DEFAULT
from forewarn.errors import StudyError

BAD = {"dataset": "bad_medical", "adapter": "rank8_layer1", "seed": 0}
OTHER = "studies.nano_width64"


def told(**changes: Any) -> Any:
    """The default configuration with some dotted keys changed."""
    raw = copy.deepcopy(DEFAULT)
    for key, value in changes.items():
        *parents, last = key.split("/")
        section = raw
        for parent in parents:
            section = section[parent]
        section[last] = value
    return load_configuration(raw)


def test_nano_is_compared_with_narrower_models_and_with_shorter_pretraining():
    found = told()
    chosen = found.studies["nano"].elasticity_sweeps
    assert chosen.size[-1] == chosen.pretraining[-1] == "nano" and len(chosen.models()) == 5
    sizes = [found.models[name].architecture.hidden_size for name in chosen.size]
    steps = [found.models[name].pretraining.steps for name in chosen.pretraining]
    assert sizes == [64, 96, 128] and steps == [500, 1000, 1500]
    for name in chosen.models():
        assert chosen.organism in found.studies[name].elasticity.organisms
        model = found.models[name].model_dump()
        apart = {key for key, value in model.items() if value != found.models["nano"].model_dump()[key]}
        assert apart <= {"architecture" if name in chosen.size else "pretraining"}
    assert found.studies["nano_8"].elasticity_sweeps is None is found.studies["nano_8"].elasticity


@pytest.mark.parametrize(
    ("key", "value", "complaint", "corrected"),
    [
        ("size", ["nano_width64", "nanno"], "a name under studies", "size: [nano_width64, nano]"),
        ("size", ["nano"], "two models to compare, or none", "size: []"),
        ("size", ["nano", "nano", "nano_width64"], "each model once", "size: [nano, nano_width64]"),
        ("organism", BAD | {"seed": 9}, "an organism that this study raises", "seed: 0"),
    ],
)
def test_names_that_cannot_be_compared_are_told_with_what_to_write(key, value, complaint, corrected):
    with pytest.raises(StudyError) as caught:
        told(**{f"studies/nano/elasticity_sweeps/{key}": value})
    assert complaint in str(caught.value) and corrected in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "corrected"),
    [
        ("elasticity/starts", [20, 40], "starts: [20, 40, 120]"),
        ("elasticity/seeds", [0], "seeds: [0, 1, 2]"),
        ("elasticity/rows", [0, 16], "rows: [0, 16, 32, 64, 96, 128, 192, 256, 384]"),
        ("elasticity/learning_rate", 0.5, "learning_rate: null"),
        ("elasticity/opposites", {"bad_medical": "risky_finance"}, "bad_medical: good_medical"),
        ("elasticity/organisms", [BAD | {"dataset": "good_medical"}], "dataset: bad_medical"),
        ("elasticity", None, "resistance_rows: 128"),
    ],
)
def test_a_model_that_is_pushed_otherwise_is_told_with_what_to_write(key, value, corrected):
    changes = {f"studies/nano_width64/{key}": value}
    if key == "elasticity/organisms":
        changes["studies/nano_width64/elasticity/opposites"] = {"good_medical": "bad_medical"}
    with pytest.raises(StudyError) as caught:
        told(**changes)
    text = str(caught.value)
    assert OTHER in text and corrected in text and "elasticity_sweeps" in text


def test_the_section_given_to_a_study_without_one_is_right_as_it_stands():
    with pytest.raises(StudyError) as caught:
        told(**{"studies/nano_width64/elasticity": None})
    snippet = str(caught.value).split("corrected:\n")[1].split("\n\n")[0]
    assert "..." not in snippet, snippet
    written = yaml.safe_load(snippet)["studies"]["nano_width64"]["elasticity"]
    assert told(**{"studies/nano_width64/elasticity": written})


def test_a_study_that_pushes_nothing_back_compares_nothing():
    with pytest.raises(StudyError, match="without elasticity_sweeps"):
        told(**{"studies/nano/elasticity": None})


@pytest.mark.parametrize(
    "junk", [5, [], {"organism": 3}, {"organism": BAD, "size": [[], {}], "pretraining": 3}]
)
def test_junk_is_told(junk):
    with pytest.raises(StudyError, match="elasticity_sweeps"):
        told(**{"studies/nano/elasticity_sweeps": junk})
