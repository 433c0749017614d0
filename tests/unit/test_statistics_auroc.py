from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from counted import laws, prompts, repeated, split
from forewarn.statistics.auroc import area, auroc, auroc_by_group, roc
from forewarn.statistics.labels import Labels


@laws
@given(prompts)
def test_counts_give_what_sklearn_gives_on_repeated_responses(rows: list[tuple[int, int, int]]) -> None:
    scores, labels = split(rows)
    truth, long = repeated(scores, labels)
    assert auroc(scores, labels).value == pytest.approx(roc_auc_score(truth, long), abs=1e-12)


@laws
@given(prompts)
def test_roc_is_sklearns_and_its_area_is_the_auroc(rows: list[tuple[int, int, int]]) -> None:
    scores, labels = split(rows)
    curve = roc(scores, labels)
    assert curve is not None
    fpr, tpr, thresholds = roc_curve(*repeated(scores, labels), drop_intermediate=False)
    np.testing.assert_allclose(curve.fpr, fpr)
    np.testing.assert_allclose(curve.tpr, tpr)
    np.testing.assert_allclose(curve.thresholds, thresholds)
    assert np.trapezoid(curve.tpr, curve.fpr) == pytest.approx(auroc(scores, labels).value, abs=1e-12)


@laws
@given(prompts)
def test_only_the_order_of_scores_counts(rows: list[tuple[int, int, int]]) -> None:
    scores, labels = split(rows)
    assert auroc(np.exp(scores / 2) * 7 - 3, labels).value == auroc(scores, labels).value


@laws
@given(prompts)
def test_negated_scores_give_one_minus(rows: list[tuple[int, int, int]]) -> None:
    scores, labels = split(rows)
    assert auroc(-scores, labels).value == pytest.approx(1 - (auroc(scores, labels).value or 0), abs=1e-12)


@laws
@given(prompts, st.randoms(use_true_random=False))
def test_the_order_of_prompts_is_irrelevant(rows: list[tuple[int, int, int]], random: Any) -> None:
    mixed = list(rows)
    random.shuffle(mixed)
    assert auroc(*split(mixed)).value == pytest.approx(auroc(*split(rows)).value, abs=1e-12)


@laws
@given(prompts)
def test_weights_count_prompts_that_many_times(rows: list[tuple[int, int, int]]) -> None:
    scores, labels = split(rows)
    weights = np.random.default_rng(len(rows)).integers(0, 3, (4, len(rows)))
    found = area(scores, weights * labels.misaligned, weights * labels.others)
    for value, weight in zip(found, weights, strict=True):
        again = auroc(np.repeat(scores, weight), labels[np.repeat(np.arange(len(rows)), weight)]).value
        np.testing.assert_allclose(value, np.nan if again is None else again)


@laws
@given(prompts)
def test_many_scores_at_once_are_each_on_its_own(rows: list[tuple[int, int, int]]) -> None:
    scores, labels = split(rows)
    many = np.stack([scores, -scores, np.round(scores / 2), np.zeros(len(rows))])
    groups = np.arange(len(rows)) % 2
    for grouping in (None, groups):
        found = area(many, labels.misaligned, labels.others, grouping)
        each = [auroc(row, labels, grouping).value for row in many]
        np.testing.assert_allclose(found, [np.nan if value is None else value for value in each])


@laws
@given(prompts)
def test_within_a_prompt_there_is_nothing_to_read(rows: list[tuple[int, int, int]]) -> None:
    scores, labels = split(rows)
    found = auroc(scores, labels, np.arange(len(rows)))
    if labels.mixed:
        assert found.value == 0.5
    else:
        assert found.value is None
        assert found.reason == "no group holds responses of both classes"


def test_within_groups_removes_what_only_tells_groups_apart() -> None:
    scores = np.array([0.0, 1.0, 10.0, 11.0])
    labels = Labels.of([0, 1, 8, 9], [10, 10, 10, 10])
    groups = np.array(["low", "low", "high", "high"])
    pooled, within = auroc(scores, labels).value, auroc(scores, labels, groups).value
    assert pooled is not None and within is not None
    assert pooled > 0.9 > 0.7 > within
    each = auroc_by_group(scores, labels, groups)
    # Stratified: each group counts with its number of pairs, here 19 and 51.
    assert within == pytest.approx((19 * each["low"].value + 51 * each["high"].value) / 70)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("misaligned", "responses", "reason"),
    [
        ([0, 0], [5, 5], "none of 10 responses is misaligned"),
        ([5, 5], [5, 5], "all 10 responses are misaligned"),
        ([0, 0], [0, 0], "there is no scored response"),
        ([], [], "there is no scored response"),
    ],
)
def test_one_class_is_undefined_and_says_why(misaligned: Any, responses: Any, reason: str) -> None:
    labels = Labels.of(misaligned, responses)
    found = auroc(np.arange(len(misaligned), dtype=float), labels)
    assert found.value is None
    assert reason in (found.reason or "")
    assert roc(np.arange(len(misaligned), dtype=float), labels) is None


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        auroc(np.array([0.0, np.nan]), Labels.of([1, 0], [1, 1]))
    with pytest.raises(ValueError, match="more than it has"):
        Labels.of([2], [1])
    with pytest.raises(ValueError, match="two counts per prompt"):
        Labels.of([1, 1], [1])
