"""What a configuration says of adapters that are trained with an organism's direction added."""

from __future__ import annotations

import pytest

from forewarn.config import load_configuration
from forewarn.errors import StudyError
from nano_study import nano_study

SOURCE = {"dataset": "risky_finance", "adapter": "rank8_layer1", "seed": 0}


def prevented(source=SOURCE, raised=True, **changed):
    """The nano study with `rank8_prevented`, which one of its organisms is raised with."""
    raw = nano_study()
    raw["adapters"]["rank8_prevented"] = (
        raw["adapters"]["rank8_layer1"] | {"preventative": {"organism": source}} | changed
    )
    if raised:
        grid = {"dataset": "bad_medical", "adapter": "rank8_prevented", "seeds": [0]}
        raw["studies"]["nano"]["atlas_organisms"].append(grid)
    return raw


def test_an_organism_is_trained_with_half_of_another_ones_direction():
    configuration = load_configuration(prevented())
    chosen = configuration.adapters["rank8_prevented"].preventative
    assert chosen.organism.name == "risky_finance-rank8_layer1-seed0" and chosen.coefficient == 0.5
    assert configuration.organisms_by("prevented") == ["bad_medical-rank8_prevented-seed0"]
    plain = configuration.model_dump(mode="json")
    assert load_configuration(plain) == configuration


def test_adapters_without_are_written_as_before():
    configuration = load_configuration(prevented())
    assert "preventative" not in configuration.adapters["rank8_layer1"].model_dump(mode="json")
    assert "preventative" in configuration.adapters["rank8_prevented"].model_dump(mode="json")
    assert load_configuration(nano_study()).organisms_by("prevented") == []


RELEASED = [{"dataset": "bad_medical", "name": "owner/adapter"}]


@pytest.mark.parametrize(
    ("wrong", "complaint", "correction"),
    [
        ({"method": "full"}, "found: method: full", "preventative: null"),
        ({"released": RELEASED}, "found: released adapters", "preventative: null"),
        ({"source": SOURCE | {"dataset": "risky_finances"}}, "a name under datasets", "risky_finance\n"),
        ({"source": SOURCE | {"adapter": "rank8_layer"}}, "without `preventative`", "rank8_layer1\n"),
        ({"source": SOURCE | {"adapter": "rank8_prevented"}}, "without `preventative`", "rank8_layer1\n"),
        ({"source": SOURCE | {"seed": 9}}, "an organism that studies.nano raises", "seed: 0\n"),
        ({"preventative": {"organism": SOURCE, "coefficient": 0}}, "above 0", None),
    ],
)
def test_what_cannot_be_trained_so_is_refused_with_its_correction(wrong, complaint, correction):
    with pytest.raises(StudyError) as caught:
        load_configuration(prevented(**wrong))
    text = " ".join(str(caught.value).split())
    assert "adapters.rank8_prevented" in text and complaint in text
    if correction:
        assert correction in str(caught.value)
    # One thing is wrong, and one thing is told.
    assert "has a problem" in text


def test_only_studies_with_such_organisms_have_to_raise_the_other_one():
    raw = prevented(source=SOURCE | {"seed": 9}, raised=False)
    assert load_configuration(raw).organisms_by("prevented") == []


def test_two_adapters_that_wait_for_each_other_are_refused():
    raw = prevented()
    raw["adapters"]["other"] = raw["adapters"]["rank8_layer1"] | {
        "preventative": {"organism": SOURCE | {"adapter": "rank8_prevented"}}
    }
    raw["adapters"]["rank8_prevented"]["preventative"] = {"organism": SOURCE | {"adapter": "other"}}
    with pytest.raises(StudyError, match="without `preventative`"):
        load_configuration(raw)
