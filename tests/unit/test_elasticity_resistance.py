"""Forward against inverse losses: a planted difference is found, a floor is not taken for one."""

from __future__ import annotations

import pytest

from forewarn.elasticity.resistance import summarise_resistance
from forewarn.steering.contrasts import Measurement
from planted_rebounds import PAIRS, planted_losses

HOW = Measurement(bootstrap=300)


def test_a_planted_resistance_is_found_in_every_pair():
    found = summarise_resistance(planted_losses(inverse=-0.1), HOW)
    assert [(each["earlier"], each["later"]) for each in found["comparisons"]] == PAIRS
    for each in found["comparisons"]:
        difference = each["excess"]["inverse_minus_forward"]
        assert difference["value"] == pytest.approx(-0.1, abs=0.02) and difference["high"] < 0
        assert each["excess"]["forward"] == pytest.approx(0.2, abs=0.02)
        assert each["excess"]["before"]["inverse"] == pytest.approx(0.6)
        assert (each["questions"], each["seeds"]) == (30, 3)
    signs = found["signs"]["excess"]
    assert (signs["inverse_lower"], signs["lower_told_apart"], signs["higher_told_apart"]) == (3, 3, 0)
    assert signs["p_value"] == pytest.approx(0.25) and found["paper"]["comparisons"] == 27


def test_answers_that_are_easier_to_tell_are_no_resistance():
    found = summarise_resistance(planted_losses(floor=-0.5), HOW)
    assert found["signs"]["loss"]["lower_told_apart"] == 3
    assert found["signs"]["excess"]["lower_told_apart"] == 0


def test_where_nothing_differs_little_is_told_apart():
    wrong = 0
    for seed in range(6):
        signs = summarise_resistance(planted_losses(seed=seed), HOW)["signs"]["excess"]
        wrong += signs["lower_told_apart"] + signs["higher_told_apart"]
    assert wrong <= 3  # of 18
