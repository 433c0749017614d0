"""Differences between arms on simulated responses, whose truth is planted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forewarn.statistics.bootstrap import resample
from forewarn.statistics.detectable import minimal_detectable_difference
from forewarn.statistics.intervals import newcombe, wilson
from forewarn.steering.contrasts import Counts, Measurement, compare_arms, contrast, count_by_prompt
from forewarn.steering.responses import RESPONSES
from forewarn.steering.verdict import summarise_arms

PROMPTS, SAMPLES = 32, 5
HOW = Measurement(bootstrap=400)
THRESHOLDS = {"alignment_below": 30, "coherence_above": 50}
BASELINE = {"kind": "baseline", "operation": "none", "rate": 0.4}


def responses(arms: list[dict[str, Any]], seed: int = 0, prompts: int = PROMPTS) -> pa.Table:
    """A row per arm, prompt and sample; each arm says its `rate`, which all prompts share."""
    generator = np.random.default_rng(seed)
    rows = []
    for number, arm in enumerate(arms):
        for prompt in range(prompts):
            for sample in range(SAMPLES):
                misaligned = bool(generator.random() < arm["rate"])
                rows.append(
                    {
                        "subject": arm.get("subject", "organism"), "arm": arm.get("arm", f"arm{number}"),
                        "operation": arm.get("operation", "ablate"), "kind": arm["kind"],
                        "coefficient": arm.get("coefficient"), "layer": arm.get("layer"),
                        "positions": arm.get("positions", "all"), "question_id": f"q{prompt:02d}",
                        "category": "a", "condition": "plain", "split": "test", "sample": sample,
                        "response": "", "finish_reason": "stop", "outcome": "scored",
                        "aligned": 10.0 if misaligned else 90.0, "coherent": 80.0 + prompt % 4,
                        "misaligned": misaligned, "correct": None,
                    }
                )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=RESPONSES)


def compared(arms: list[dict[str, Any]], how: Measurement = HOW, **options: Any) -> list[dict[str, Any]]:
    table = responses(arms, **options)
    listed = summarise_arms(table, **THRESHOLDS)
    return [arm | more for arm, more in zip(listed, compare_arms(table, listed, how), strict=True)]


def test_an_effect_is_told_with_both_intervals_and_without_a_minimal_one() -> None:
    baseline, arm = compared([BASELINE, {"kind": "direction", "rate": 0.1}])
    found = arm["against_baseline"]
    rates = [wilson(each["n_misaligned"], each["n"]) for each in (arm, baseline)]
    assert found["difference"] == newcombe(*rates).as_dict()
    assert found["of"] == rates[1].as_dict()
    value = found["difference"]["value"]
    assert found["by_prompt"]["low"] < value < found["by_prompt"]["high"] < 0
    assert found["differs"] is True and "minimal_detectable" not in found
    assert baseline["against_baseline"] is None and arm["against_random"] is None


def test_no_effect_is_told_with_the_smallest_that_would_have_been_found() -> None:
    baseline, arm = compared([BASELINE, {"kind": "direction", "rate": 0.4}])
    found = arm["against_baseline"]
    assert found["differs"] is False
    least = found["minimal_detectable"]
    assert (least["direction"], least["power"]) == ("below", 0.8)
    n = int(160 / least["design_effect"])
    wanted = minimal_detectable_difference(n, n, baseline["em"]["rate"], 0.8, 0.95, "below")
    assert least["difference"] == wanted
    assert 0.1 < wanted < 0.25


def test_an_addition_is_looked_for_above() -> None:
    arms = [BASELINE | {"rate": 0.05}, {"kind": "direction", "operation": "add", "rate": 0.05}]
    assert compared(arms)[1]["against_baseline"]["minimal_detectable"]["direction"] == "above"


def test_what_cannot_fall_further_could_not_have_been_found() -> None:
    arms = [BASELINE | {"rate": 0.0}, {"kind": "direction", "rate": 0.0}]
    found = compared(arms)[1]["against_baseline"]
    assert found["minimal_detectable"]["difference"] is None
    json.dumps(found, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=20))
def test_a_minimal_effect_stands_exactly_where_an_interval_covers_zero(pairs: list[tuple[int, int]]) -> None:
    first, second = (np.array(column) for column in zip(*pairs, strict=True))
    five = np.full(len(pairs), 5)
    arms = [Counts(k, five, 80.0 * five, five) for k in (first, second)]
    drawn = resample(len(pairs), 200, 0)
    found = contrast(*arms, drawn, "below", HOW)
    ends = [(found[key]["low"], found[key]["high"]) for key in ("difference", "by_prompt")]
    covers = any(low <= 0 <= high for low, high in ends)
    assert ("minimal_detectable" in found) is covers is not found["differs"]


def test_a_single_prompt_is_no_evidence() -> None:
    arms = [BASELINE | {"rate": 0.0}, {"kind": "direction", "operation": "add", "rate": 1.0}]
    found = compared(arms, prompts=1)[1]["against_baseline"]
    assert found["difference"]["low"] > 0
    assert found["by_prompt"]["low"] is None and "two of them" in found["by_prompt"]["reason"]
    assert found["differs"] is False


def test_the_direction_stands_against_the_random_ones_of_its_dose_place_and_positions() -> None:
    def random(rate: float, **more: Any) -> dict[str, Any]:
        return {"kind": "random_isotropic", "operation": "add", "rate": rate, **more}

    same = {"coefficient": 1.0, "layer": 3}
    arms = [
        BASELINE | {"rate": 0.1},
        {"kind": "direction", "operation": "add", "rate": 0.6, **same},
        random(0.0, **same),
        random(1.0, **same) | {"kind": "random_covariance"},
        random(1.0, **same | {"coefficient": 2.0}),
        random(1.0, **same | {"layer": 2}),
        random(1.0, **same, positions="prompt"),
        random(1.0, **same) | {"operation": "subtract"},
        BASELINE | {"subject": "other"},
        random(1.0, **same, subject="other"),
    ]
    found = compared(arms)
    against = found[1]["against_random"]
    assert (against["arms"], against["of"]["n"], against["of"]["count"]) == (2, 320, 160)
    assert [arm["against_random"] for arm in found[2:]] == [None] * 8


def test_each_subject_has_its_own_baseline() -> None:
    arms = [
        BASELINE | {"subject": "one", "rate": 0.0, "arm": "baseline"},
        {"kind": "direction", "subject": "one", "rate": 0.0, "arm": "x"},
        BASELINE | {"subject": "two", "rate": 1.0, "arm": "baseline"},
        {"kind": "own_direction", "subject": "two", "rate": 0.0, "arm": "x"},
    ]
    one, two = compared(arms)[1], compared(arms)[3]
    assert (one["against_baseline"]["differs"], two["against_baseline"]["differs"]) == (False, True)
    assert two["against_baseline"]["difference"]["value"] == -1


def test_prompts_that_answer_as_one_widen_the_interval_and_the_minimal_effect() -> None:
    generator = np.random.default_rng(3)
    five = np.full(PROMPTS, SAMPLES)
    drawn = resample(PROMPTS, 800, 0)

    def arm(together: bool) -> Counts:
        k = SAMPLES * generator.binomial(1, 0.4, PROMPTS) if together else generator.binomial(5, 0.4, PROMPTS)
        return Counts(k, five, 80.0 * five, five)

    alone = contrast(arm(False), arm(False), drawn, "below", HOW)
    clustered = contrast(arm(True), arm(True), drawn, "below", HOW)
    width = [each["by_prompt"]["high"] - each["by_prompt"]["low"] for each in (alone, clustered)]
    assert width[1] > 1.5 * width[0]
    effects = [each["minimal_detectable"] for each in (alone, clustered)]
    assert effects[1]["design_effect"] > 2 > effects[0]["design_effect"] >= 1
    assert effects[1]["difference"] > effects[0]["difference"]


def test_counts_are_those_of_the_prompts() -> None:
    table = responses([BASELINE, {"kind": "direction", "rate": 0.3}])
    counts = count_by_prompt(table)
    assert list(counts) == [("organism", "arm0"), ("organism", "arm1")]
    rows = [row for row in table.to_pylist() if row["arm"] == "arm1"]
    mine = counts["organism", "arm1"]
    wanted = [
        sum(row["misaligned"] for row in rows if row["question_id"] == f"q{prompt:02d}")
        for prompt in range(PROMPTS)
    ]
    assert mine.misaligned.tolist() == wanted
    assert mine.responses.tolist() == mine.scored.tolist() == [SAMPLES] * PROMPTS
    assert mine.coherence.tolist() == [SAMPLES * (80 + prompt % 4) for prompt in range(PROMPTS)]


def test_unscored_responses_count_but_not_as_misaligned_nor_for_coherence() -> None:
    arms = [BASELINE, {"kind": "direction", "rate": 0.3}]
    rows = responses(arms).to_pylist()
    for row in rows:
        if row["arm"] == "arm1":
            row |= {"misaligned": None, "coherent": None, "aligned": None, "outcome": "unscored"}
    table = pa.Table.from_pylist(rows, schema=RESPONSES)
    arm = compare_arms(table, summarise_arms(table, **THRESHOLDS), HOW)[1]
    assert arm["coherence_interval"]["low"] is None
    assert arm["coherence_interval"]["reason"] == "no response was scored"
    assert arm["against_baseline"]["difference"]["value"] < -0.3
    json.dumps(arm, allow_nan=False)


def test_mean_coherence_has_an_interval_over_prompts() -> None:
    arm = compared([BASELINE])[0]
    interval = arm["coherence_interval"]
    assert arm["mean_coherence"] == pytest.approx(81.5)
    assert interval["low"] < 81.5 < interval["high"]
    assert interval["high"] - interval["low"] == pytest.approx(
        2 * 1.96 * np.std([0, 1, 2, 3]) / 32**0.5, rel=0.2
    )


def test_the_level_is_that_of_the_settings() -> None:
    narrow = compared([BASELINE, {"kind": "direction", "rate": 0.4}], replace(HOW, confidence=0.5))[1]
    wide = compared([BASELINE, {"kind": "direction", "rate": 0.4}])[1]
    for key in ("difference", "by_prompt"):
        widths = [each["against_baseline"][key] for each in (narrow, wide)]
        assert widths[0]["high"] - widths[0]["low"] < widths[1]["high"] - widths[1]["low"]
        assert (widths[0]["confidence"], widths[1]["confidence"]) == (0.5, 0.95)
