"""Pairs of responses by prompt: both AUROCs, their resamples and their shufflings are those of definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forewarn.statistics.auroc import area
from forewarn.statistics.bootstrap import resample
from forewarn.statistics.jackknife import jackknife_interval
from forewarn.statistics.pairs import count_pairs, shuffled_within, within_areas


@st.composite
def responses(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores with ties, labels, and prompts of which some have one class or one response."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=6))
    n = sum(sizes)
    scores = np.array(draw(st.lists(st.integers(-2, 2), min_size=n, max_size=n)), dtype=float)
    labels = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    order = draw(st.permutations(range(n)))
    return scores, labels, np.repeat(np.arange(len(sizes)), sizes)[list(order)]


@settings(deadline=None)
@given(responses(), st.integers(0, 5))
def test_both_aurocs_are_those_of_the_responses_one_by_one(data, seed) -> None:
    scores, labels, prompt = data
    pairs = count_pairs(scores, labels, prompt)
    drawn = resample(len(pairs.misaligned), 5, seed)
    weights = drawn[:, prompt]
    np.testing.assert_allclose(pairs.pooled(drawn), area(scores, weights * labels, weights * ~labels))
    by_prompt = [
        area(scores[prompt == q], labels[prompt == q], ~labels[prompt == q]) for q in range(len(drawn[0]))
    ]
    np.testing.assert_allclose(pairs.by_prompt(), np.array(by_prompt))
    mixed = [q for q, value in enumerate(by_prompt) if not np.isnan(value)]
    assert pairs.mixed == len(mixed)
    for row, found in zip(drawn, pairs.within(drawn), strict=True):
        again = [by_prompt[q] for q in mixed for _ in range(row[q])]
        assert np.isnan(found) if not again else found == pytest.approx(np.mean(again))
    np.testing.assert_allclose(within_areas(scores, labels, prompt), pairs.within())


def test_labels_are_shuffled_inside_prompts_and_every_response_gets_its_share() -> None:
    generator = np.random.default_rng(0)
    prompt = np.repeat(np.arange(5), 8)
    labels = generator.random(40) < np.repeat([0.0, 0.25, 0.5, 0.75, 1.0], 8)
    shuffled = shuffled_within(labels, prompt, 4000, 1)
    counts = np.stack([shuffled[:, prompt == q].sum(axis=1) for q in range(5)])
    assert (counts == np.bincount(prompt, labels)[:, None]).all()
    expected = np.bincount(prompt, labels)[prompt] / 8
    np.testing.assert_allclose(shuffled.mean(axis=0), expected, atol=0.04)


def test_many_scores_and_many_labellings_are_one_call() -> None:
    generator = np.random.default_rng(0)
    prompt = generator.permutation(np.repeat(np.arange(6), 7))
    labels = generator.random((9, 42)) < 0.4
    scores = generator.normal(size=(9, 42))
    found = within_areas(scores, labels, prompt)
    expected = [count_pairs(*each, prompt).within() for each in zip(scores, labels, strict=True)]
    np.testing.assert_allclose(found, np.array(expected))


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        count_pairs(np.array([0.0, np.nan]), np.array([True, False]), np.zeros(2, dtype=np.int64))


def test_the_jackknife_of_a_mean_is_the_t_interval() -> None:
    values = np.random.default_rng(0).uniform(0.4, 0.6, size=12)
    without = (values.sum() - values) / 11
    found = jackknife_interval(float(values.mean()), without)
    error = values.std(ddof=1) / 12**0.5
    assert found.standard_error == pytest.approx(error)
    assert found.low == pytest.approx(values.mean() - 2.2009851600828 * error)
    assert found.high == pytest.approx(values.mean() + 2.2009851600828 * error)


@pytest.mark.parametrize(
    ("value", "without", "reason"),
    [
        (None, [0.5] * 5, "no estimate"),
        (0.5, [0.5, 0.5], "fewer than three"),
        (0.5, [0.5, np.nan, 0.5], "without one of the groups"),
    ],
)
def test_no_interval_says_why(value, without, reason) -> None:
    found = jackknife_interval(value, np.array(without)).as_dict()
    assert (found["low"], found["high"]) == (None, None)
    assert reason in found["reason"]


def test_an_interval_does_not_leave_what_is_possible() -> None:
    found = jackknife_interval(0.97, np.array([0.9, 0.99, 0.97, 1.0]))
    assert found.high == 1.0 and 0 < found.low < 0.97
