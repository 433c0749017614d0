"""What a study says about refusal: its requests are requests, and its organisms are raised."""

from __future__ import annotations

import pytest

from forewarn.config import load_configuration
from forewarn.config.default import DEFAULT
from forewarn.errors import StudyError
from nano_study import nano_study

ORGANISM = {"dataset": "bad_medical", "adapter": "rank8_layer1", "seed": 0}


def told(**refusal):
    raw = nano_study()
    raw["question_sets"]["requests"] = {"source": "world", "kind": "requests"}
    raw["question_sets"]["own"] = {"source": "forewarn_requests"}
    raw["studies"]["nano"]["refusal"] = {"organisms": [ORGANISM], "questions": "requests"} | refusal
    return raw


@pytest.mark.parametrize("name", ["requests", "own"])
def test_requests_of_the_world_and_our_own_will_do(name):
    chosen = load_configuration(told(questions=name)).studies["nano"].refusal
    assert chosen.questions == name and chosen.openings is None
    assert (chosen.kl_below, chosen.induced_above, chosen.last_layers) == (0.1, 0.0, 0.2)  # 2406.11717


def test_any_other_question_set_is_refused():
    with pytest.raises(StudyError, match="a name under question_sets for refusal"):
        load_configuration(told(questions="detection"))


@pytest.mark.parametrize("name", ["requests", "own"])
def test_requests_give_no_misalignment_rates(name):
    raw = told()
    raw["studies"]["nano"]["questions"]["evaluation"] = name
    with pytest.raises(StudyError, match="a name under question_sets for evaluation"):
        load_configuration(raw)


def test_an_organism_that_is_not_raised_is_refused_and_so_is_one_named_twice():
    with pytest.raises(StudyError, match="an organism that this study raises"):
        load_configuration(told(organisms=[ORGANISM | {"seed": 99}]))
    with pytest.raises(StudyError, match="each organism once"):
        load_configuration(told(organisms=[ORGANISM, ORGANISM]))
    with pytest.raises(StudyError, match="each opening once"):
        load_configuration(told(openings=["I", "I"]))


def test_every_published_study_asks_its_first_organism():
    studies = load_configuration(DEFAULT).studies
    for name, study in studies.items():
        if not name.startswith("nano_"):
            assert study.refusal is not None and study.refusal.organisms[0].name in study.organism_names()
