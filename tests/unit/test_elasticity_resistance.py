"""Forward against inverse losses: a planted difference is found, a floor is not taken for one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from forewarn.elasticity.resistance import LOSSES, summarise_resistance
from forewarn.steering.contrasts import Measurement

HOW = Measurement(bootstrap=300)
PAIRS = [(10, 20), (10, 40), (20, 40)]


def planted(inverse=0.0, floor=0.0, seed=0):
    """Losses a token of 0.2 forward; `inverse` and `floor` are what the other direction has more of each."""
    generator = np.random.default_rng(seed)
    rows = []
    for earlier, later in PAIRS:
        for question in range(30):
            hard = generator.normal(0, 0.5)
            for way, excess, least in (("forward", 0.2, 1.0), ("inverse", 0.2 + inverse, 1.0 + floor)):
                tokens = int(generator.integers(10, 30))
                rows += [
                    {
                        "earlier": earlier, "later": later, "direction": way, "seed": run,
                        "question_id": f"q{question:02d}", "tokens": tokens, "floor": tokens * (least + hard),
                        "before": tokens * (least + hard + 0.6),
                        "loss": tokens * (least + hard + excess + generator.normal(0, 0.05)),
                    }
                    for run in range(3)
                ]  # fmt: skip
    return pa.Table.from_pylist(rows, LOSSES)


def test_a_planted_resistance_is_found_in_every_pair():
    found = summarise_resistance(planted(inverse=-0.1), HOW)
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
    found = summarise_resistance(planted(floor=-0.5), HOW)
    assert found["signs"]["loss"]["lower_told_apart"] == 3
    assert found["signs"]["excess"]["lower_told_apart"] == 0


def test_where_nothing_differs_little_is_told_apart():
    wrong = 0
    for seed in range(6):
        signs = summarise_resistance(planted(seed=seed), HOW)["signs"]["excess"]
        wrong += signs["lower_told_apart"] + signs["higher_told_apart"]
    assert wrong <= 3  # of 18
