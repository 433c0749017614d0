from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from counted import any_prompts, laws, prompts, split
from forewarn.statistics.auroc import area, auroc
from forewarn.statistics.bootstrap import bootstrap_auroc, resample
from forewarn.statistics.influence import leave_one_out, most_influential, standard_error
from forewarn.statistics.labels import Labels
from forewarn.statistics.planted import Population, draw

Rows = list[tuple[int, int, int]]


def one_by_one(scores: np.ndarray, labels: Labels) -> np.ndarray:
    found = []
    for index in range(len(labels)):
        others = np.arange(len(labels)) != index
        value = auroc(scores[others], labels[others]).value
        found.append(np.nan if value is None else value)
    return np.array(found)


@laws
@given(any_prompts)
def test_leaving_out_at_once_is_leaving_out_one_by_one(rows: Rows) -> None:
    scores, labels = split(rows)
    value, without = leave_one_out(scores, labels.misaligned, labels.others)
    np.testing.assert_allclose(value, area(scores, labels.misaligned, labels.others), atol=1e-12)
    np.testing.assert_allclose(without, one_by_one(scores, labels), atol=1e-12)


@laws
@given(prompts)
def test_many_problems_at_once_are_each_on_its_own(rows: Rows) -> None:
    scores, labels = split(rows)
    many = np.stack([scores, -scores, np.zeros(len(rows))])
    weights = np.random.default_rng(0).integers(0, 3, (3, len(rows)))
    values, without = leave_one_out(many, weights * labels.misaligned, weights * labels.others)
    for row, weight, value, left in zip(many, weights, values, without, strict=True):
        alone = leave_one_out(row, weight * labels.misaligned, weight * labels.others)
        np.testing.assert_allclose(value, alone[0])
        np.testing.assert_allclose(left, alone[1])


def test_the_standard_error_is_the_spread_of_aurocs_over_studies_and_of_resamples() -> None:
    drawn = draw(Population(0.2, 0.2), prompts=100, samples=15, studies=2000, seed=0)
    scores = drawn.scores(0.5)
    values, without = leave_one_out(scores, drawn.misaligned, drawn.others)
    errors = standard_error(without)
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(), rel=0.05)
    resamples = resample(100, 1000, 1)
    ratios = []
    for index in range(20):
        labels = Labels.of(drawn.misaligned[index], drawn.responses[index])
        ratios.append(bootstrap_auroc(scores[index], labels, resamples).std() / errors[index])
    assert np.mean(ratios) == pytest.approx(1, abs=0.04)


def test_the_standard_error_of_a_paired_gain_is_its_spread_too() -> None:
    drawn = draw(Population(0.2, 0.2), prompts=100, samples=15, studies=2000, seed=1)
    first = leave_one_out(drawn.scores(0.6), drawn.misaligned, drawn.others)
    second = leave_one_out(drawn.scores(0.4, drawn.correlated_noise(0.7)), drawn.misaligned, drawn.others)
    errors = standard_error(first[1] - second[1])
    assert np.sqrt(np.mean(errors**2)) == pytest.approx((first[0] - second[0]).std(), rel=0.05)


@laws
@given(prompts)
def test_the_most_influential_prompt_moves_auroc_most(rows: Rows) -> None:
    scores, labels = split(rows)
    found = most_influential(scores, labels)
    without = one_by_one(scores, labels)
    assert found["auroc"] == pytest.approx(auroc(scores, labels).value)
    assert found["undefined"] == np.isnan(without).sum()
    if found["prompt"] is None:
        assert np.isnan(without).all()
        assert found["reason"]
        return
    moved = np.abs(without - found["auroc"])
    assert moved[found["prompt"]] == pytest.approx(np.nanmax(moved), abs=1e-12)
    assert found["without"] == pytest.approx(without[found["prompt"]])
    assert found["range"] == pytest.approx([np.nanmin(without), np.nanmax(without)])


def test_a_planted_outlier_among_a_thousand_prompts_is_found() -> None:
    generator = np.random.default_rng(0)
    misaligned = generator.binomial(50, 0.02, 1000)
    misaligned[617] = 50
    scores = generator.normal(size=1000)
    scores[617] = 9
    found = most_influential(scores, Labels.of(misaligned, np.full(1000, 50)))
    assert found["prompt"] == 617
    assert found["auroc"] - found["without"] > 0.015
    assert found["range"][0] == found["without"]


def test_one_class_has_nothing_to_move() -> None:
    found = most_influential(np.arange(3.0), Labels.of([0, 0, 0], [2, 2, 2]))
    assert found["prompt"] is None
    assert "one class only" in found["reason"]
