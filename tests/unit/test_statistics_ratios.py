"""The paired bootstrap of rates on simulated prompts, whose true difference is known."""

from __future__ import annotations

import numpy as np
import pytest

from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.ratios import bootstrap_ratio, design_effect

STUDIES, PROMPTS, SAMPLES = 400, 32, 5


def simulate(effect: float, spread: float, seed: int):
    """Two arms on the same prompts, int64 [studies, prompts] each, and the true difference of their rates.

    Prompts differ in their propensity; the second arm lowers the log-odds of every prompt by `effect`.
    """
    generator = np.random.default_rng(seed)
    logit = spread * generator.normal(size=(STUDIES, PROMPTS)) - 0.5
    first, second = (1 / (1 + np.exp(-x)) for x in (logit - effect, logit))
    many = spread * np.random.default_rng(0).normal(size=400_000) - 0.5
    truth = np.mean(1 / (1 + np.exp(effect - many)) - 1 / (1 + np.exp(-many)))
    return generator.binomial(SAMPLES, first), generator.binomial(SAMPLES, second), truth


@pytest.mark.parametrize(("effect", "spread"), [(0.0, 0.0), (0.0, 2.0), (1.0, 1.0), (2.0, 2.0)])
def test_intervals_of_a_difference_cover_the_truth(effect: float, spread: float) -> None:
    first, second, truth = simulate(effect, spread, seed=11)
    drawn = resample(PROMPTS, 600, seed=1)
    sizes = np.full(PROMPTS, SAMPLES)
    covered = 0
    for one, other in zip(first, second, strict=True):
        draws = bootstrap_ratio(one, sizes, drawn) - bootstrap_ratio(other, sizes, drawn)
        interval = percentile_interval(draws, 0.95, PROMPTS)
        covered += interval.low <= truth <= interval.high
    assert 0.93 <= covered / STUDIES <= 0.97


def test_pairing_makes_the_interval_narrower_where_prompts_differ() -> None:
    first, second, _ = simulate(0.5, 3.0, seed=3)
    drawn, sizes = resample(PROMPTS, 400, seed=1), np.full(PROMPTS, SAMPLES)
    other_draws = resample(PROMPTS, 400, seed=2)
    one = bootstrap_ratio(first[0], sizes, drawn)
    paired = np.std(one - bootstrap_ratio(second[0], sizes, drawn))
    unpaired = np.std(one - bootstrap_ratio(second[0], sizes, other_draws))
    assert paired < 0.8 * unpaired


def test_a_ratio_is_the_sum_over_the_sum() -> None:
    drawn = np.array([[1, 1, 1], [3, 0, 0], [0, 2, 1], [0, 0, 3]])
    ratios = bootstrap_ratio(np.array([1, 0, 0]), np.array([2, 4, 0]), drawn)
    assert ratios[:3].tolist() == [1 / 6, 1 / 2, 0]
    assert np.isnan(ratios[3]), "nothing was drawn that could be counted"


def test_the_design_effect_is_that_of_prompts_that_answer_as_one() -> None:
    """If all samples of a prompt agree, a response is worth 1 / samples of an independent one."""
    generator = np.random.default_rng(5)
    prompts = 400
    sizes = np.full(prompts, SAMPLES)
    first, second = (SAMPLES * generator.binomial(1, rate, prompts) for rate in (0.3, 0.4))
    drawn = resample(prompts, 2000, seed=0)
    difference = bootstrap_ratio(first, sizes, drawn) - bootstrap_ratio(second, sizes, drawn)
    n = prompts * SAMPLES
    rates = [(each.sum() / n, n) for each in (first, second)]
    assert design_effect(difference, *rates) == pytest.approx(SAMPLES, rel=0.12)


def test_the_design_effect_is_at_least_one() -> None:
    same = np.zeros(50)
    assert design_effect(same, (0.3, 100), (0.3, 100)) == 1
    assert design_effect(same, (0.0, 100), (0.0, 100)) == 1
    assert design_effect(np.full(50, np.nan), (0.0, 0), (0.0, 0)) == 1
