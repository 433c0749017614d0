"""What a study says about screening: whose datasets, which of them is harmless, and what training adds."""

from __future__ import annotations

import pytest

from forewarn.config import load_configuration
from forewarn.errors import StudyError
from nano_study import nano_study

BAD = {"dataset": "bad_medical", "adapter": "rank8_layer1", "seed": 0}
GOOD = BAD | {"dataset": "good_medical"}
NOBODY = BAD | {"seed": 99}


def told(prevention=None, **screening):
    raw = nano_study()
    raw["studies"]["nano"]["screening"] = {
        "organisms": [BAD, GOOD], "benign": "good_medical",
        "prevention": {"organisms": [BAD]} | (prevention or {}),
    } | screening  # fmt: skip
    return load_configuration(raw).studies["nano"].screening


def test_organisms_of_misaligned_data_lend_their_directions():
    chosen = told()
    assert chosen.datasets() == ["bad_medical", "good_medical"]
    assert [each.dataset for each in chosen.sources()] == ["bad_medical"]
    assert len(told(benign=None).sources()) == 2
    other = BAD | {"dataset": "risky_finance"}
    left = told(organisms=[BAD, GOOD, other], harmless=["risky_finance"]).sources()
    assert [each.dataset for each in left] == ["bad_medical"]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"organisms": [BAD, BAD]}, "each organism once"),
        ({"organisms": [BAD, NOBODY]}, "an organism that this study raises"),
        ({"benign": "risky_finance"}, "a dataset of these organisms"),
        ({"organisms": [GOOD, GOOD | {"seed": 1}]}, "organisms of misaligned data as well"),
        ({"harmless": ["good_medical"]}, "beside `benign`"),
        ({"harmless": ["risky_finance"]}, "beside `benign`"),
        ({"mixtures": [0.5, 0.1]}, "rising numbers"),
        ({"prevention": {"organisms": [NOBODY]}}, "an organism that this study raises"),
        ({"prevention": {"organisms": [BAD], "source": NOBODY}}, "an organism that this study raises"),
        ({"prevention": {"organisms": [BAD], "coefficients": [2.0, 1.0]}}, "rising numbers"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, complaint):
    with pytest.raises(StudyError, match=complaint):
        told(**wrong)
