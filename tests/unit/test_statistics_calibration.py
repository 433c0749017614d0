from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from counted import any_prompts, laws, prompts, repeated, split
from forewarn.statistics.calibration import Platt, calibration, platt
from forewarn.statistics.labels import Labels

Rows = list[tuple[int, int, int]]


def by_sklearn(scores: np.ndarray, labels: Labels) -> tuple[float, float]:
    """The same fit as a weighted regression, each response once as misaligned and once as not."""
    truth, long = repeated(scores, labels)
    k, o = int(labels.misaligned.sum()), int(labels.others.sum())
    target = np.where(truth == 1, (k + 1) / (k + 2), 1 / (o + 2))
    x, y = np.concatenate([long, long])[:, None], np.repeat([1, 0], len(long))
    fit = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000)
    fit.fit(x, y, sample_weight=np.concatenate([target, 1 - target]))
    return float(fit.coef_[0, 0]), float(fit.intercept_[0])


@laws
@given(prompts)
def test_the_fit_is_sklearns(rows: Rows) -> None:
    scores, labels = split(rows)
    found = platt(scores, labels)
    if np.ptp(scores[labels.responses > 0]) == 0:
        assert found.slope == 0
        return
    slope, intercept = by_sklearn(scores, labels)
    at = np.linspace(-4, 4, 9)
    expected = Platt(slope, intercept).probabilities(at)
    np.testing.assert_allclose(found.probabilities(at), expected, atol=2e-4)


@laws
@given(prompts)
def test_the_unit_of_the_score_is_irrelevant(rows: Rows) -> None:
    scores, labels = split(rows)
    found = platt(scores, labels).probabilities(scores)
    for other in (scores * 1e6 - 3e6, scores * 1e-6 + 0.1, -scores):
        np.testing.assert_allclose(platt(other, labels).probabilities(other), found, atol=1e-6)


def test_a_planted_sigmoid_is_found_again() -> None:
    generator = np.random.default_rng(0)
    scores = generator.normal(2, 3, 20_000)
    chance = expit(0.7 * scores - 2)
    found = platt(scores, Labels.of(generator.binomial(10, chance), np.full(20_000, 10)))
    assert found.slope == pytest.approx(0.7, abs=0.02)
    assert found.intercept == pytest.approx(-2, abs=0.05)


def test_a_score_that_separates_has_a_fit_all_the_same() -> None:
    scores, labels = np.array([-2.0, -1.0, 1.0, 2.0]), Labels.of([0, 0, 9, 9], [9, 9, 9, 9])
    found = platt(scores, labels)
    assert np.isfinite([found.slope, found.intercept]).all()
    low, *_, high = found.probabilities(scores)
    assert 0 < low < 0.1 < 0.9 < high < 1


def test_one_class_gives_nearly_its_rate_for_all() -> None:
    found = platt(np.arange(3.0), Labels.of([0, 0, 0], [6, 6, 6]))
    np.testing.assert_allclose(found.probabilities(np.arange(3.0)), 1 / 20, atol=1e-6)
    constant = platt(np.full(3, 5.0), Labels.of([2, 0, 1], [5, 5, 5]))
    assert constant.slope == 0
    assert 0.2 < constant.probabilities(np.array([5.0]))[0] < 0.3


def test_nothing_to_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to calibrate on"):
        platt(np.ones(2), Labels.of([0, 0], [0, 0]))
    with pytest.raises(ValueError, match="not finite"):
        platt(np.array([1.0, np.inf]), Labels.of([0, 1], [1, 1]))


@laws
@given(any_prompts)
def test_brier_is_sklearns_and_bins_hold_every_response_once(rows: Rows) -> None:
    scores, labels = split(rows)
    chance = expit(scores / 2)
    found = calibration(chance, labels, bins=4)
    n = int(labels.responses.sum())
    assert found["n"] == n
    json.dumps(found, allow_nan=False)
    if n == 0:
        assert found["brier"] is None
        assert found["reason"]
        return
    truth, long = repeated(chance, labels)
    assert found["brier"] == pytest.approx(brier_score_loss(truth, long, pos_label=1))
    constant = np.full(n, truth.mean())
    assert found["brier_of_prevalence"] == pytest.approx(brier_score_loss(truth, constant, pos_label=1))
    assert sum(each["n"] for each in found["bins"]) == n
    assert sum(each["observed"]["count"] for each in found["bins"]) == labels.misaligned.sum()
    assert len(found["bins"]) <= 4
    predicted = [each["predicted"] for each in found["bins"]]
    assert predicted == sorted(predicted)
    assert len(set(np.round(predicted, 12))) == len(predicted)
    distances = [each["n"] * abs(each["predicted"] - each["observed"]["rate"]) for each in found["bins"]]
    assert found["expected_calibration_error"] == pytest.approx(sum(distances) / n)


def test_bins_hold_equally_many_responses() -> None:
    generator = np.random.default_rng(1)
    labels = Labels.of(np.zeros(400), np.full(400, 5))
    found = calibration(generator.random(400), labels, bins=8)
    assert [each["n"] for each in found["bins"]] == [250] * 8
    assert [each["n_prompts"] for each in found["bins"]] == [50] * 8


def test_true_probabilities_have_no_error_and_wrong_ones_have_the_one_that_was_planted() -> None:
    generator = np.random.default_rng(2)
    chance = generator.uniform(0.1, 0.6, 20_000)
    labels = Labels.of(generator.binomial(20, chance), np.full(20_000, 20))
    true, shifted = calibration(chance, labels), calibration(chance + 0.2, labels)
    assert true["expected_calibration_error"] < 0.005
    assert true["brier"] == pytest.approx(np.mean(chance * (1 - chance)), abs=0.002)
    assert true["brier"] < true["brier_of_prevalence"]
    assert shifted["expected_calibration_error"] == pytest.approx(0.2, abs=0.005)
    assert shifted["brier"] == pytest.approx(true["brier"] + 0.04, abs=0.002)


def test_a_fit_on_some_prompts_is_calibrated_on_others() -> None:
    generator = np.random.default_rng(3)

    def study(n: int) -> tuple[np.ndarray, Labels]:
        scores = generator.normal(size=n)
        return 7 * scores + 100, Labels.of(generator.binomial(10, expit(scores - 1)), np.full(n, 10))

    fitted = platt(*study(3000))
    scores, labels = study(3000)
    found = calibration(fitted.probabilities(scores), labels)
    assert found["expected_calibration_error"] < 0.02
    assert logit(fitted.probabilities(np.array([100.0])))[0] == pytest.approx(-1, abs=0.1)
