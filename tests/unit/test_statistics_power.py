"""The plan of a study against studies that are simulated and measured as real ones are."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta

from counted import any_prompts, laws, split
from forewarn.statistics.auroc import area, auroc
from forewarn.statistics.bootstrap import bootstrap_auroc, percentile_interval, resample
from forewarn.statistics.ceiling import from_other_responses, modelled_ceiling
from forewarn.statistics.labels import Labels
from forewarn.statistics.overdispersion import design_effect, intraclass_correlation
from forewarn.statistics.planted import Population, Studies, draw
from forewarn.statistics.power import as_text, enough, plan

ASSUMED: dict[str, Any] = {"prevalence": 0.25, "spread": 0.15, "auroc": 0.62, "correlation": 0.5}
POPULATION = Population(ASSUMED["prevalence"], ASSUMED["spread"])

populations = st.builds(Population, st.floats(0.02, 0.9), st.floats(0.02, 0.9))


# --- planted truth ---


@laws
@given(populations)
def test_the_ceiling_is_that_of_beta_distributions(population: Population) -> None:
    whole = 1 / population.spread - 1
    a, b = population.prevalence * whole, (1 - population.prevalence) * whole
    # The propensity of a misaligned response's prompt is beta(a + 1, b), of another one's beta(a, b + 1).
    above = beta(a + 1, b)
    points = beta(a, b + 1).ppf((np.arange(4000) + 0.5) / 4000)
    assert population.ceiling == pytest.approx(np.mean(above.sf(points)), abs=0.004)


def test_the_ceiling_is_known_from_the_mean_distance_of_two_propensities() -> None:
    whole = 1 / POPULATION.spread - 1
    a, b = POPULATION.prevalence * whole, (1 - POPULATION.prevalence) * whole
    inside, _ = quad(lambda x: 2 * beta.cdf(x, a, b) * beta.sf(x, a, b), 0, 1)
    expected = 0.5 + inside / (4 * POPULATION.prevalence * (1 - POPULATION.prevalence))
    assert POPULATION.ceiling == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.7, 0.95, 1.0])
def test_the_true_auroc_is_that_of_a_very_large_study(weight: float) -> None:
    drawn = draw(POPULATION, prompts=200_000, samples=4, studies=1, seed=0)
    found = float(area(drawn.scores(weight)[0], drawn.misaligned[0], drawn.others[0]))
    assert POPULATION.auroc(weight) == pytest.approx(found, abs=0.004)


def test_the_weight_of_an_auroc_leads_back_to_it() -> None:
    for value in (0.5, 0.6, 0.7):
        weight = POPULATION.weight(value)
        assert weight is not None
        assert POPULATION.auroc(weight) == pytest.approx(value, abs=1e-6)
    assert POPULATION.weight(POPULATION.ceiling + 0.001) is None
    with pytest.raises(ValueError, match="wrong sign"):
        POPULATION.weight(0.4)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Population(0.0, 0.5)


def test_noises_correlate_as_told_and_scores_are_standard_normal() -> None:
    drawn = draw(POPULATION, 500, 2, 40, 0)
    noise = drawn.correlated_noise(0.7)
    assert np.corrcoef(drawn.noise[0].ravel(), noise.ravel())[0, 1] == pytest.approx(0.7, abs=0.02)
    scores = drawn.scores(0.6, noise)
    assert scores.std() == pytest.approx(1, abs=0.02)
    assert np.corrcoef(scores.ravel(), drawn.latent.ravel())[0, 1] == pytest.approx(0.6, abs=0.02)


# --- overdispersion and the ceiling as it can be measured ---


def test_the_intraclass_correlation_is_found_again() -> None:
    for spread in (0.02, 0.1, 0.5):
        drawn = draw(Population(0.2, spread), prompts=4000, samples=10, studies=1, seed=1)
        found = intraclass_correlation(drawn.misaligned[0], drawn.responses[0])
        assert found == pytest.approx(spread, abs=0.02)
    generator = np.random.default_rng(0)
    n = generator.integers(0, 30, (300, 200))
    found = intraclass_correlation(generator.binomial(n, 0.3), n)
    assert found.mean() == pytest.approx(0, abs=0.003)  # unbiased where prompts do not differ
    assert intraclass_correlation(np.array([5, 0, 5]), np.array([5, 5, 5])) == 1
    assert np.isnan(intraclass_correlation(np.array([0, 0]), np.array([5, 5])))
    assert np.isnan(intraclass_correlation(np.array([1, 0]), np.array([1, 1])))


@pytest.mark.parametrize(("samples", "spread"), [(10, 0.1), (30, 0.3)])
def test_the_design_effect_is_the_gain_in_variance(samples: int, spread: float) -> None:
    drawn = draw(Population(0.2, spread), prompts=50, samples=samples, studies=8000, seed=2)
    variance = drawn.misaligned.mean(axis=1).var() / samples**2
    independent = 0.2 * 0.8 / (50 * samples)
    assert variance / independent == pytest.approx(design_effect(samples, spread), rel=0.06)


@laws
@given(any_prompts)
def test_the_oracle_scores_each_response_by_the_others_of_its_prompt(
    rows: list[tuple[int, int, int]],
) -> None:
    _, labels = split(rows)
    weights = np.random.default_rng(len(rows)).integers(0, 3, (4, len(rows)))
    found = from_other_responses(labels.misaligned, labels.responses, weights)
    for value, weight in zip(found, weights, strict=True):
        np.testing.assert_allclose(value, _pair_by_pair(labels, weight), atol=1e-12)
    once = from_other_responses(labels.misaligned, labels.responses)
    np.testing.assert_allclose(once, _pair_by_pair(labels, np.ones(len(rows))), atol=1e-12)


def _pair_by_pair(labels: Labels, weight: np.ndarray) -> float:
    good = pairs = 0.0
    rows = list(zip(labels.misaligned, labels.responses, weight, strict=True))
    for i, (k, n, w) in enumerate(rows):
        for j, (other_k, other_n, other_w) in enumerate(rows):
            if n < 2 or other_n < 2:
                continue
            many = w * k * other_w * (other_n - other_k)
            first, second = (k - 1) / (n - 1), other_k / (other_n - 1)
            good += many * (0.5 if i == j else (np.sign(first - second) + 1) / 2)
            pairs += many
    return good / pairs if pairs else np.nan


def test_the_measured_ceiling_rises_to_the_true_one_and_the_modelled_one_is_there() -> None:
    measured, modelled = [], []
    for samples in (5, 20, 200):
        drawn = draw(POPULATION, prompts=200, samples=samples, studies=60, seed=3)
        measured.append(from_other_responses(drawn.misaligned, drawn.responses).mean())
        each = [
            modelled_ceiling(Labels.of(k, n)) for k, n in zip(drawn.misaligned, drawn.responses, strict=True)
        ]
        modelled.append(np.mean([value for value in each if value is not None]))
    assert measured == sorted(measured)
    assert POPULATION.ceiling - measured[0] > 0.05
    assert measured[-1] == pytest.approx(POPULATION.ceiling, abs=0.015)
    assert modelled == pytest.approx([POPULATION.ceiling] * 3, abs=0.012)


def test_the_modelled_ceiling_holds_for_propensities_of_another_kind() -> None:
    generator = np.random.default_rng(4)
    for propensities in (generator.choice([0.05, 0.5], 3000), generator.uniform(0, 0.6, 3000)):
        labels = Labels.of(generator.binomial(20, propensities), np.full(3000, 20))
        expected = generator.binomial(2000, propensities)
        truth = auroc(propensities, Labels.of(expected, np.full(3000, 2000))).value
        assert modelled_ceiling(labels) == pytest.approx(truth, abs=0.035)


def test_the_modelled_ceiling_at_its_ends() -> None:
    assert modelled_ceiling(Labels.of([0, 0], [3, 3])) is None
    assert modelled_ceiling(Labels.of([1, 1], [2, 2])) == 0.5
    assert modelled_ceiling(Labels.of([3, 0], [3, 3])) == 1


# --- the plan ---


@cache
def planned() -> dict[str, Any]:
    return plan([50, 120], [8, 20], **ASSUMED, studies=300, seed=0)


def size(prompts: int, samples: int) -> dict[str, Any]:
    return next(
        each for each in planned()["sizes"] if (each["prompts"], each["samples"]) == (prompts, samples)
    )


def bootstrapped(drawn: Studies, scores: np.ndarray, minus: np.ndarray | None = None) -> np.ndarray:
    """Ends of the interval of each study, by the bootstrap that real studies get: float64 [studies, 2]."""
    prompts = scores.shape[1]
    resamples = resample(prompts, 300, 1)
    ends = []
    for index in range(len(scores)):
        labels = Labels.of(drawn.misaligned[index], drawn.responses[index])
        draws = bootstrap_auroc(scores[index], labels, resamples)
        if minus is not None:
            draws = draws - bootstrap_auroc(minus[index], labels, resamples)
        found = percentile_interval(draws, prompts=prompts)
        ends.append([found.low, found.high])
    return np.array(ends, dtype=float)


@pytest.mark.parametrize(("prompts", "samples"), [(50, 8), (120, 20)])
def test_intervals_are_as_wide_as_planned(prompts: int, samples: int) -> None:
    drawn = draw(POPULATION, prompts, samples, 60, seed=7)
    ends = bootstrapped(drawn, drawn.scores(POPULATION.weight(ASSUMED["auroc"]) or 0))
    expected = size(prompts, samples)
    assert np.mean(ends[:, 1] - ends[:, 0]) == pytest.approx(expected["auroc_interval_width"], rel=0.06)
    shares = drawn.misaligned / samples
    draws = resample(prompts, 400, 1) @ shares.T / prompts
    rates = [percentile_interval(column, prompts=prompts) for column in draws.T]
    widths = [each.high - each.low for each in rates]  # type: ignore[operator]
    assert np.mean(widths) == pytest.approx(expected["rate_interval_width"], rel=0.06)


def test_what_is_smallest_is_found_as_often_as_promised() -> None:
    expected = size(120, 20)
    drawn = draw(POPULATION, 120, 20, 250, seed=8)
    weight = POPULATION.weight(expected["smallest_auroc"])
    assert weight is not None
    found = bootstrapped(drawn, drawn.scores(weight))[:, 0] > 0.5
    assert found.mean() == pytest.approx(0.8, abs=0.07)
    baseline, better = (
        POPULATION.weight(planned()["auroc"] + gain) for gain in (0, expected["smallest_gain"])
    )
    assert baseline is not None and better is not None
    noise = drawn.correlated_noise(ASSUMED["correlation"])
    gains = bootstrapped(drawn, drawn.scores(better, noise), drawn.scores(baseline))
    assert (gains[:, 0] > 0).mean() == pytest.approx(0.8, abs=0.07)


def test_more_data_narrow_every_interval() -> None:
    for small, large in [((50, 8), (120, 8)), ((50, 8), (50, 20)), ((120, 8), (120, 20))]:
        for key in ("auroc_interval_width", "smallest_auroc", "rate_interval_width"):
            assert size(*large)[key] < size(*small)[key]
        assert size(*large)["smallest_rate_difference"] < size(*small)["smallest_rate_difference"]
    assert size(50, 8)["measured_ceiling"] < size(50, 20)["measured_ceiling"] < planned()["ceiling"]


def test_a_plan_is_seeded_explained_and_readable() -> None:
    again = plan([50], [8], **ASSUMED, studies=50, seed=3)
    assert again == plan([50], [8], **ASSUMED, studies=50, seed=3)
    assert again["sizes"] != plan([50], [8], **ASSUMED, studies=50, seed=4)["sizes"]
    for each in planned()["sizes"]:
        assert set(each) == set(planned()["labels"])
    json.dumps(planned(), allow_nan=False)
    text = as_text(planned())
    assert len([line for line in text.splitlines() if line.split()[:1] in (["50"], ["120"])]) == 4
    assert max(map(len, text.splitlines())) <= 110
    assert f"{size(120, 20)['smallest_auroc']:.3f}" in text


def test_what_cannot_be_found_is_null() -> None:
    hopeless = plan([10], [2], prevalence=0.05, spread=0.05, auroc=0.99, correlation=0, studies=60, seed=0)
    (only,) = hopeless["sizes"]
    assert hopeless["auroc"] == hopeless["ceiling"] < 0.99
    assert only["smallest_auroc"] is None
    assert only["smallest_gain"] is None
    drawn = draw(Population(0.05, 0.05), 10, 2, 60, seed=[0, 10, 2])
    assert only["undefined"] == pytest.approx(np.mean((drawn.misaligned > 0).sum(axis=1) < 2))
    assert "none" in as_text(hopeless)


def test_too_little_data_is_labelled() -> None:
    assert enough(100, 20, 100, 20) is None
    assert enough(99, 20, 100, 20) == "too little data: 99 prompts of at least 100"
    both = enough(8, 9.53, 100, 20)
    assert both == "too little data: 8 prompts of at least 100, 9.53 responses per prompt of at least 20"
    assert enough(100, float("nan"), 100, 20) is not None
