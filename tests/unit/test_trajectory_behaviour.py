"""Onsets that were planted are found, with an interval; where nothing was planted, nothing is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from forewarn.errors import StudyError
from forewarn.statistics.intervals import wilson
from forewarn.steering.contrasts import Counts
from forewarn.steering.responses import RESPONSES
from forewarn.trajectory.behaviour import SCHEMA, Curve, behaviour_table, curves_of, onset, wilson_ends
from forewarn.trajectory.checkpoints import arm_name, arm_of, choose_steps

STEPS = tuple(range(0, 128, 8))
PROMPTS, SAMPLES = 40, 5
HOW = {"confidence": 0.95, "bootstrap": 400, "seed": 0}


def counts(rate, generator, spread=0.0):
    """Counts of prompts that differ in their own rates (beta with an intraclass correlation `spread`)."""
    shape = (1 - spread) / spread if spread else None
    rates = generator.beta(rate * shape, (1 - rate) * shape, PROMPTS) if shape else np.full(PROMPTS, rate)
    drawn = generator.binomial(SAMPLES, rates)
    full = np.full(PROMPTS, SAMPLES)
    return Counts(drawn, full, 90.0 * full, full)


def curve(onset_at, seed, before=0.04, after=0.35, spread=0.0, effect=1.0):
    generator = np.random.default_rng(seed)
    rates = [after if onset_at is not None and step >= onset_at else before for step in STEPS]
    own = tuple(counts(rate, generator, spread) for rate in rates)
    return Curve(STEPS, own, tuple(counts(before, generator, spread) for _ in STEPS), effect)


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_onset_is_found_with_its_lag_behind_the_rotation(seed):
    found = onset(curve(48, seed), 24, **HOW)
    assert found["step"] == 48 and found["after"] == 40
    assert found["interval"]["low"] <= 48 <= found["interval"]["high"]
    assert found["lag"]["steps"] == 24
    assert found["lag"]["interval"]["low"] == found["interval"]["low"] - 24
    assert found["without_onset"] == 0 and found["n_prompts"] == PROMPTS
    assert found["n_responses"] == PROMPTS * SAMPLES and found["lowest_coherence"] == 90


def test_where_both_answer_alike_there_is_no_onset_about_as_often_as_is_said():
    found = [onset(curve(None, seed), 24, **HOW | {"bootstrap": 1}) for seed in range(400)]
    assert np.mean([each["step"] is not None for each in found]) <= found[0]["chance_of_any"] <= 0.05
    quiet = onset(curve(None, 0), 24, **HOW)
    assert quiet["step"] is None and quiet["lag"] is None and quiet["reason"] == "no onset"
    assert quiet["interval"]["high"] is None


def test_answers_that_cluster_in_prompts_are_worth_less():
    def false(effect):
        runs = [onset(curve(None, seed, 0.2, spread=0.4, effect=effect), None, **HOW | {"bootstrap": 1})
                for seed in range(200)]  # fmt: skip
        return np.mean([each["step"] is not None for each in runs])

    assert false(1 + (SAMPLES - 1) * 0.4) <= 0.05 < false(1.0)


def test_without_a_rotation_there_is_an_onset_but_no_lag():
    found = onset(curve(48, 0), None, **HOW)
    assert found["step"] == 48 and found["lag"] is None and found["reason"] == "no rotation"


def test_the_interval_is_wilsons_of_as_many_responses_as_they_are_worth():
    for count, n in [(0, 20), (7, 20), (20, 20)]:
        plain = wilson(count, n)
        assert wilson_ends(np.array(count), np.array(n), 1.0, 0.95) == pytest.approx((plain.low, plain.high))
    half = wilson(5, 20)
    assert wilson_ends(np.array(10), np.array(40), 2.0, 0.95) == pytest.approx((half.low, half.high))
    assert wilson_ends(np.array(0), np.array(0), 1.0, 0.95) == (0, 1)


def responses(rates, questions=6):
    """Judged answers: rates by arm."""
    generator = np.random.default_rng(1)
    rows = [
        {
            "subject": "organism", "arm": arm, "operation": "none", "kind": "baseline", "coefficient": 1.0,
            "layer": None, "positions": "all", "question_id": f"{split}{number}", "category": "any",
            "condition": "plain", "split": split, "sample": sample, "response": "", "finish_reason": "stop",
            "outcome": "scored", "aligned": 50.0, "coherent": 80.0, "correct": None,
            "misaligned": bool(generator.random() < rate),
        }
        for arm, rate in rates.items()
        for split in ("test", "narrow")
        for number in range(questions)
        for sample in range(5)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=RESPONSES)


ARMS = {arm_name(0, 1): 0.0, arm_name(8, 1): 0.5, arm_name(8, 5): 1.0}


def test_curves_pair_checkpoints_by_measure_and_scale_and_share_the_start():
    found = curves_of(responses(ARMS), responses(dict.fromkeys(ARMS, 0.0)))
    assert set(found) == {("general", 1.0), ("general", 5.0), ("narrow", 1.0), ("narrow", 5.0)}
    assert all(each.steps == (0, 8) for each in found.values())
    table = behaviour_table(found, 0.95)
    assert table.schema == SCHEMA
    row = next(row for row in table.to_pylist() if (row["scale"], row["step"]) == (5.0, 8))
    assert (row["misaligned"], row["n"], row["n_questions"], row["clears"]) == (30, 30, 6, True)
    assert (row["benign_misaligned"], row["benign_n"], row["mean_coherence"]) == (0, 30, 80.0)
    assert row["rate"] == 1.0 and row["low"] < 1 == row["high"] and row["design_effect"] >= 1


def test_organisms_that_were_asked_at_other_checkpoints_are_refused():
    other = responses({arm_name(0, 1): 0.0, arm_name(10, 1): 0.0})
    with pytest.raises(StudyError, match="not asked alike"):
        curves_of(responses(ARMS), other)
    with pytest.raises(StudyError, match="not asked alike"):
        curves_of(responses(ARMS), responses(ARMS, questions=4))


def test_arms_are_named_by_step_and_scale():
    assert arm_name(12, 1.0) == "step_0012_x1" and arm_of("step_0012_x1") == (12, 1.0)
    assert arm_of(arm_name(12345, 2.5)) == (12345, 2.5)
    with pytest.raises(ValueError, match="baseline"):
        arm_of("baseline")


def test_checkpoints_are_dense_at_first_and_hold_both_ends():
    saved = [*range(0, 50, 5), 48]
    assert choose_steps(saved, 4, 15) == [0, 5, 10, 15, 20, 40, 48]
    assert choose_steps(saved, 100, 0) == [0, 48]
