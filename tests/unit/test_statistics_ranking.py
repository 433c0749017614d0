from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import average_precision_score

from counted import any_prompts, laws, prompts, repeated, split
from forewarn.statistics.labels import Labels
from forewarn.statistics.ranking import average_precision

Rows = list[tuple[int, int, int]]


def precision(scores: np.ndarray, labels: Labels) -> float:
    return float(average_precision(scores, labels.misaligned, labels.others))


@laws
@given(prompts)
def test_counts_give_what_sklearn_gives_on_repeated_responses(rows: Rows) -> None:
    scores, labels = split(rows)
    expected = average_precision_score(*repeated(scores, labels))
    assert precision(scores, labels) == pytest.approx(expected, abs=1e-12)


@laws
@given(any_prompts)
def test_it_is_undefined_without_a_misaligned_response_and_only_then(rows: Rows) -> None:
    scores, labels = split(rows)
    assert np.isnan(precision(scores, labels)) == (labels.misaligned.sum() == 0)


@laws
@given(prompts)
def test_only_the_order_of_scores_counts(rows: Rows) -> None:
    scores, labels = split(rows)
    assert precision(np.exp(scores / 2) * 7 - 3, labels) == precision(scores, labels)


@laws
@given(prompts)
def test_one_score_for_all_has_the_prevalence(rows: Rows) -> None:
    _, labels = split(rows)
    prevalence = labels.misaligned.sum() / labels.responses.sum()
    assert precision(np.ones(len(labels)), labels) == pytest.approx(prevalence)


@laws
@given(prompts)
def test_resamples_are_each_on_their_own(rows: Rows) -> None:
    scores, labels = split(rows)
    weights = np.random.default_rng(len(rows)).integers(0, 3, (5, len(rows)))
    found = average_precision(scores, weights * labels.misaligned, weights * labels.others)
    for value, weight in zip(found, weights, strict=True):
        again = np.repeat(np.arange(len(rows)), weight)
        expected = precision(scores[again], labels[again]) if len(again) else np.nan
        np.testing.assert_allclose(value, expected)


@laws
@given(prompts)
def test_many_scores_at_once_are_each_on_its_own(rows: Rows) -> None:
    scores, labels = split(rows)
    many = np.stack([scores, -scores, np.round(scores / 2)])
    found = average_precision(many, labels.misaligned, labels.others)
    np.testing.assert_allclose(found, [precision(row, labels) for row in many])


def test_a_score_that_separates_has_1() -> None:
    labels = Labels.of([0, 0, 3, 4], [5, 2, 3, 4])
    assert precision(np.arange(4.0), labels) == 1
    assert precision(-np.arange(4.0), labels) == pytest.approx(
        average_precision_score(*repeated(-np.arange(4.0), labels))
    )


def test_a_score_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        average_precision(np.array([0.0, np.nan]), np.ones(2), np.ones(2))
