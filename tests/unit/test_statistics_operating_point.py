from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_curve

from counted import laws, prompts, repeated, split
from forewarn.statistics.labels import Labels
from forewarn.statistics.operating_point import flagged, threshold_at, true_positive_rate_at

Rows = list[tuple[int, int, int]]
rates = st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.25, 1 / 3, 0.5, 1.0])


def at(scores: np.ndarray, labels: Labels, rate: float) -> float:
    return float(true_positive_rate_at(scores, labels.misaligned, labels.others, rate))


@laws
@given(prompts, rates)
def test_the_threshold_is_the_lowest_score_that_keeps_to_the_rate(rows: Rows, rate: float) -> None:
    scores, labels = split(rows)
    threshold = threshold_at(scores, labels.others, rate)
    count, n = flagged(scores, labels.others, threshold)
    assert count / n <= rate
    lower = scores[scores < threshold]
    if len(lower):
        count, n = flagged(scores, labels.others, float(lower.max()))
        assert count / n > rate


@laws
@given(prompts, rates)
def test_the_rate_of_hits_is_that_of_sklearns_curve_and_that_at_the_threshold(
    rows: Rows, rate: float
) -> None:
    scores, labels = split(rows)
    fpr, tpr, _ = roc_curve(*repeated(scores, labels), drop_intermediate=False)
    found = at(scores, labels, rate)
    assert found == pytest.approx(tpr[fpr <= rate].max())
    count, n = flagged(scores, labels.misaligned, threshold_at(scores, labels.others, rate))
    assert found == pytest.approx(count / n)


@laws
@given(prompts, rates)
def test_resamples_have_thresholds_of_their_own(rows: Rows, rate: float) -> None:
    scores, labels = split(rows)
    weights = np.random.default_rng(len(rows)).integers(0, 3, (5, len(rows)))
    found = true_positive_rate_at(scores, weights * labels.misaligned, weights * labels.others, rate)
    for value, weight in zip(found, weights, strict=True):
        again = np.repeat(np.arange(len(rows)), weight)
        drawn = labels[again]
        if drawn.one_class():
            assert np.isnan(value)
        else:
            assert value == pytest.approx(at(scores[again], drawn, rate))


@laws
@given(prompts)
def test_more_false_alarms_never_cost_a_hit(rows: Rows) -> None:
    scores, labels = split(rows)
    found = [at(scores, labels, rate) for rate in np.linspace(0, 1, 9)]
    assert found == sorted(found)
    assert found[-1] == 1


def test_many_scores_at_once_are_each_on_its_own() -> None:
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(6, 30))
    labels = Labels.of(generator.integers(0, 4, 30), np.full(30, 5))
    found = true_positive_rate_at(scores, labels.misaligned, labels.others, 0.1)
    np.testing.assert_allclose(found, [at(row, labels, 0.1) for row in scores])


def test_the_known_rate_of_two_normals() -> None:
    generator = np.random.default_rng(1)
    n = 200_000
    scores = np.concatenate([generator.normal(1.5, 1, n), generator.normal(0, 1, n)])
    labels = Labels.of(np.repeat([1, 0], n), np.ones(2 * n))
    for rate in (0.01, 0.05):
        truth = norm.sf(norm.isf(rate) - 1.5)
        assert at(scores, labels, rate) == pytest.approx(truth, abs=0.01)
        assert threshold_at(scores, labels.others, rate) == pytest.approx(norm.isf(rate), abs=0.03)


def test_where_the_highest_prompt_is_too_much_nothing_is_flagged() -> None:
    scores, labels = np.array([1.0, 2.0]), Labels.of([1, 3], [10, 10])
    assert threshold_at(scores, labels.others, 0.05) == np.inf
    assert at(scores, labels, 0.05) == 0
    assert flagged(scores, labels.responses, np.inf) == (0, 20)


def test_one_class_has_no_operating_point() -> None:
    scores = np.array([1.0, 2.0])
    assert np.isnan(at(scores, Labels.of([2, 2], [2, 2]), 0.05))
    assert np.isnan(at(scores, Labels.of([0, 0], [2, 2]), 0.05))
    with pytest.raises(ValueError, match="no false-positive rate"):
        threshold_at(scores, np.zeros(2), 0.05)
    with pytest.raises(ValueError, match="not a number"):
        threshold_at(np.array([np.nan, 1.0]), np.ones(2), 0.05)
