"""Bootstrap, nulls and the oracle ceiling against simulated truth."""

from __future__ import annotations

import numpy as np
import pytest

from forewarn.geometry.random_directions import covariance_matched, isotropic
from forewarn.statistics.auroc import auroc
from forewarn.statistics.bootstrap import bootstrap_auroc, percentile_interval, resample
from forewarn.statistics.ceiling import from_other_responses, oracle_roc
from forewarn.statistics.labels import Labels
from forewarn.statistics.nulls import against_null, null_aurocs


def simulate(generator: np.random.Generator, prompts: int, samples: int) -> tuple[np.ndarray, Labels]:
    """Prompts differ in propensity, and the score knows about a part of it."""
    logit = generator.normal(size=prompts)
    score = 0.6 * logit + 0.8 * generator.normal(size=prompts)
    chance = 1 / (1 + np.exp(-1.5 * logit))
    return score, Labels.of(generator.binomial(samples, chance), np.full(prompts, samples))


def test_bootstrap_interval_over_prompts_covers_the_truth() -> None:
    generator = np.random.default_rng(1)
    truth = auroc(*simulate(generator, 200_000, 5)).value
    held = []
    for run in range(150):
        scores, labels = simulate(generator, 60, 10)
        held.append(covers(truth, scores, labels, run, 300))
    assert 0.90 <= np.mean(held) <= 0.985


def test_an_interval_over_responses_would_be_too_narrow() -> None:
    generator = np.random.default_rng(1)
    truth = auroc(*simulate(generator, 200_000, 5)).value
    held = []
    for run in range(60):
        scores, labels = simulate(generator, 60, 10)
        each = np.concatenate([[1] * k + [0] * (10 - k) for k in labels.misaligned])
        held.append(covers(truth, np.repeat(scores, 10), Labels.of(each, np.ones(600)), run, 100))
    assert np.mean(held) < 0.85


def covers(truth: float | None, scores: np.ndarray, labels: Labels, seed: int, resamples: int) -> bool:
    drawn = resample(len(labels), resamples, seed)
    found = percentile_interval(bootstrap_auroc(scores, labels, drawn))
    assert found.low is not None and found.high is not None and truth is not None
    return found.low <= truth <= found.high


def test_resamples_are_seeded_and_keep_the_number_of_prompts() -> None:
    drawn = resample(30, 50, seed=3)
    assert (drawn.sum(axis=1) == 30).all()
    assert np.array_equal(drawn, resample(30, 50, seed=3))
    assert not np.array_equal(drawn, resample(30, 50, seed=4))


def test_resamples_of_one_class_are_counted_and_left_out() -> None:
    labels = Labels.of([1, 0, 0, 0], [1, 1, 1, 1])
    draws = bootstrap_auroc(np.arange(4.0), labels, resample(4, 1000, 0))
    found = percentile_interval(draws)
    assert found.undefined == np.isnan(draws).sum()
    assert 250 < found.undefined < 400  # (3/4)^4 = 0.32 of them miss the one misaligned response
    assert found.low == found.high == 0  # it has the lowest score in every resample that holds it


def test_the_interval_of_one_class_is_undefined_and_says_why() -> None:
    draws = bootstrap_auroc(np.arange(4.0), Labels.of([0] * 4, [3] * 4), resample(4, 20, 0))
    found = percentile_interval(draws).as_dict()
    assert (found["low"], found["high"], found["undefined"]) == (None, None, 20)
    assert found["reason"]
    nobody = bootstrap_auroc(np.zeros(0), Labels.of([], []), resample(0, 5, 0))
    assert percentile_interval(nobody).low is None


def test_on_noise_the_null_is_rarely_exceeded_although_prompts_cluster() -> None:
    generator = np.random.default_rng(2)
    beyond, beyond_half, runs = 0, 0, 150
    for run in range(runs):
        # Activations and propensity both follow the prompt's topic, by no common rule.
        topic = generator.integers(0, 4, 60)
        vectors = 3 * generator.normal(size=(4, 16))[topic] + generator.normal(size=(60, 16))
        chance = generator.uniform(0.1, 0.9, size=4)[topic]
        labels = Labels.of(generator.binomial(8, chance), np.full(60, 8))
        drawn = vectors @ generator.normal(size=16)
        observed = auroc(drawn, labels).value
        null = null_aurocs(vectors, isotropic(80, 16, run), labels)
        beyond += bool(against_null(observed, null).beyond)
        interval = percentile_interval(bootstrap_auroc(drawn, labels, resample(60, 100, run)))
        beyond_half += (interval.low or 0) > 0.5
    assert beyond / runs < 0.065  # 2.5 % and its sampling error
    assert beyond_half / runs > 0.15  # whereas an interval above 0.5 happens by chance all the time


def test_a_planted_direction_is_beyond_both_nulls() -> None:
    generator = np.random.default_rng(4)
    planted = isotropic(1, 32, 9)[0]
    logit = generator.normal(size=150)
    vectors = generator.normal(size=(150, 32)) + 2 * logit[:, None] * planted
    labels = Labels.of(generator.binomial(10, 1 / (1 + np.exp(-2 * logit))), np.full(150, 10))
    observed = auroc(vectors @ planted, labels).value
    for directions in (isotropic(200, 32, 0), covariance_matched(vectors, 200, 0)):
        null = against_null(observed, null_aurocs(vectors, directions, labels))
        assert null.beyond
        assert null.p_value == pytest.approx(1 / 201)
        assert null.mean == pytest.approx(0.5, abs=0.06)


def test_a_null_without_classes_or_directions_is_undefined() -> None:
    labels = Labels.of([0, 0], [2, 2])
    values = null_aurocs(np.eye(2), isotropic(5, 2, 0), labels)
    assert against_null(None, values).as_dict()["reason"] == "AUROC is undefined"
    empty = null_aurocs(np.eye(2), np.zeros((0, 2)), Labels.of([0, 2], [2, 2]))
    assert against_null(0.7, empty).reason == "no random direction was drawn"


def test_the_ceiling_stands_between_its_two_biased_estimates() -> None:
    generator = np.random.default_rng(5)
    chance = generator.beta(1, 2, size=2000)
    truth = auroc(chance, Labels.of(generator.binomial(500, chance), np.full(2000, 500))).value
    labels = Labels.of(generator.binomial(20, chance), np.full(2000, 20))
    found = float(from_other_responses(labels.misaligned, labels.responses))
    in_sample = auroc(labels.misaligned / labels.responses, labels).value
    assert truth is not None and in_sample is not None
    assert truth - 0.03 < found < truth < in_sample < truth + 0.05
    points = oracle_roc(labels)
    assert points is not None
    assert np.trapezoid(points.tpr, points.fpr) == pytest.approx(found, abs=0.001)


def test_equal_prompts_have_a_ceiling_of_one_half() -> None:
    generator = np.random.default_rng(6)
    labels = Labels.of(generator.binomial(10, 0.3, size=1000), np.full(1000, 10))
    assert float(from_other_responses(labels.misaligned, labels.responses)) == pytest.approx(0.5, abs=0.015)
    in_sample = auroc(labels.misaligned / labels.responses, labels).value
    assert in_sample is not None and in_sample > 0.6  # the mistake that this avoids


def test_the_ceiling_within_groups_is_that_of_pairs_of_one_group() -> None:
    generator = np.random.default_rng(7)
    groups = np.repeat(["a", "b"], 500)
    chance = np.where(groups == "a", 0.1, 0.6)  # groups differ, and prompts of one group do not
    k, n = generator.binomial(10, chance), np.full(1000, 10)
    assert float(from_other_responses(k, n)) > 0.7
    within = float(from_other_responses(k, n, groups=groups))
    assert within == pytest.approx(0.5, abs=0.02)
    drawn = np.ones((3, 1000), dtype=np.int64)
    assert from_other_responses(k, n, drawn, groups) == pytest.approx([within] * 3)
    alone = [float(from_other_responses(k[groups == name], n[groups == name])) for name in "ab"]
    assert min(alone) <= within <= max(alone)


@pytest.mark.parametrize(("misaligned", "responses"), [([1, 0], [1, 1]), ([0, 0], [4, 4]), ([], [])])
def test_a_ceiling_may_be_undefined(misaligned: list[int], responses: list[int]) -> None:
    labels = Labels.of(misaligned, responses)
    assert np.isnan(from_other_responses(labels.misaligned, labels.responses))
    assert oracle_roc(labels) is None
