"""The statistics of detection where the truth is planted: 400 studies of 120 prompts, 20 responses each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from forewarn.statistics.auroc import area
from forewarn.statistics.bootstrap import bootstrap_auroc, percentile_interval, resample
from forewarn.statistics.labels import Labels
from forewarn.statistics.permutation import family_wise
from forewarn.statistics.planted import Population, Studies, draw

STUDIES, PROMPTS, SAMPLES = 400, 120, 20
RESAMPLES, PERMUTATIONS = 400, 199
LAYERS = 6
CATEGORIES = np.repeat(np.arange(6), PROMPTS // 6)
NO_CATEGORY = np.zeros(PROMPTS)


def labels_of(studies: Studies, index: int) -> Labels:
    return Labels.of(studies.misaligned[index], studies.responses[index])


def intervals(
    studies: Studies,
    scores: np.ndarray,
    minus: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Ends of the bootstrap interval over prompts, of AUROC or of a paired gain: float64 [studies, 2]."""
    drawn = resample(PROMPTS, RESAMPLES, 5)
    ends = []
    for index, own in enumerate(scores):
        labels = labels_of(studies, index)
        draws = bootstrap_auroc(own, labels, drawn, groups)
        if minus is not None:
            draws = draws - bootstrap_auroc(minus[index], labels, drawn, groups)
        found = percentile_interval(draws, prompts=PROMPTS)
        ends.append([found.low, found.high])
    return np.array(ends, dtype=float)


def covered(ends: np.ndarray, truth: float) -> float:
    return float(np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])))


@pytest.mark.parametrize(
    ("prevalence", "spread", "weight"),
    [(0.2, 0.1, 0.0), (0.2, 0.1, 0.5), (0.3, 0.4, 0.5), (0.05, 0.1, 0.5), (0.2, 0.3, 0.9)],
)
def test_intervals_cover_the_planted_auroc(prevalence: float, spread: float, weight: float) -> None:
    population = Population(prevalence, spread)
    studies = draw(population, PROMPTS, SAMPLES, STUDIES, seed=11)
    scores, truth = studies.scores(weight), population.auroc(weight)
    assert np.mean(area(scores, studies.misaligned, studies.others)) == pytest.approx(truth, abs=0.006)
    assert 0.93 <= covered(intervals(studies, scores), truth) <= 0.97


def test_estimates_converge_to_the_planted_auroc() -> None:
    population = Population(0.2, 0.1)
    errors = []
    for prompts in (120, 1200, 12_000):
        studies = draw(population, prompts, SAMPLES, 100, seed=2)
        found = area(studies.scores(0.5), studies.misaligned, studies.others)
        errors.append(np.sqrt(np.mean((found - population.auroc(0.5)) ** 2)))
    # Ten times the prompts, a root of ten less error.
    assert errors[0] / errors[1] == pytest.approx(10**0.5, rel=0.25)
    assert errors[1] / errors[2] == pytest.approx(10**0.5, rel=0.25)


def test_intervals_cover_the_planted_gain_over_a_baseline() -> None:
    population = Population(0.2, 0.2)
    studies = draw(population, PROMPTS, SAMPLES, STUDIES, seed=12)
    scores, baseline = studies.scores(0.6, studies.correlated_noise(0.6)), studies.scores(0.4)
    truth = population.auroc(0.6) - population.auroc(0.4)
    assert 0.93 <= covered(intervals(studies, scores, baseline), truth) <= 0.97


def test_intervals_of_equal_detectors_seldom_claim_a_gain() -> None:
    studies = draw(Population(0.2, 0.2), PROMPTS, SAMPLES, STUDIES, seed=13)
    scores, baseline = studies.scores(0.5, studies.correlated_noise(0.6)), studies.scores(0.5)
    assert np.mean(intervals(studies, scores, baseline)[:, 0] > 0) <= 0.06


def test_null_studies_seldom_alarm() -> None:
    studies = draw(Population(0.2, 0.3), PROMPTS, SAMPLES, STUDIES, seed=14)
    scores = studies.scores(0.0)
    assert np.mean(intervals(studies, scores)[:, 0] > 0.5) <= 0.06
    p_values = [
        family_wise(own[None], labels_of(studies, index), CATEGORIES, PERMUTATIONS, index).p_value
        for index, own in enumerate(scores)
    ]
    assert 0.015 <= np.mean(np.array(p_values) < 0.05) <= 0.06


# --- several layers ---


@dataclass
class Examined:
    """What the family-wise test found in each study: adjusted and plain p-values, [studies, layers]."""

    adjusted: np.ndarray
    plain: np.ndarray


def layered(studies: Studies, weight: float, seed: int, shared: float = 0.7) -> np.ndarray:
    """Scores of layers whose noises correlate: float64 [studies, layers, prompts]."""
    generator = np.random.default_rng(seed)
    own = generator.standard_normal((len(studies.latent), LAYERS, PROMPTS))
    noise = np.sqrt(shared) * studies.noise[0][:, None] + np.sqrt(1 - shared) * own
    return weight * studies.latent[:, None] + np.sqrt(1 - weight**2) * noise


def examine(studies: Studies, scores: np.ndarray, groups: np.ndarray, permutations: int) -> Examined:
    found = [
        family_wise(own, labels_of(studies, index), groups, permutations, index)
        for index, own in enumerate(scores)
    ]
    return Examined(np.array([each.adjusted for each in found]), np.array([each.p_values for each in found]))


def test_the_choice_among_layers_is_paid_for() -> None:
    studies = draw(Population(0.2, 0.3), PROMPTS, SAMPLES, STUDIES, seed=15)
    found = examine(studies, layered(studies, 0.0, 1), NO_CATEGORY, PERMUTATIONS)
    assert 0.015 <= np.mean(found.adjusted.min(axis=1) < 0.05) <= 0.06
    assert np.mean(found.plain.min(axis=1) < 0.05) > 0.08  # what not paying would come to


def test_the_correction_finds_more_than_bonferronis() -> None:
    studies = draw(Population(0.2, 0.2), PROMPTS, SAMPLES, 150, seed=16)
    # 601 arrangements leave Bonferroni's level of 0.05 / 6 whole: 5 of 601 are just below it.
    found = examine(studies, layered(studies, 0.25, 2), NO_CATEGORY, 600)
    ours = np.mean(found.adjusted.min(axis=1) < 0.05)
    bonferronis = np.mean(LAYERS * found.plain.min(axis=1) < 0.05)
    assert ours > bonferronis + 0.02
    assert 0.3 < bonferronis < ours < 0.95


# --- categories ---


@cache
def category_studies() -> tuple[Studies, np.ndarray]:
    """Propensity and every layer follow the category; inside a category they know nothing of each other."""
    population = Population(0.2, 0.3)
    generator = np.random.default_rng(17)
    noise = generator.standard_normal((2, STUDIES, PROMPTS))
    level = generator.standard_normal((STUDIES, 6))[:, CATEGORIES]
    latent = np.sqrt(0.7) * level + np.sqrt(0.3) * generator.standard_normal((STUDIES, PROMPTS))
    misaligned = generator.binomial(SAMPLES, population.propensities(latent))
    studies = Studies(latent, noise, misaligned, SAMPLES)
    read = generator.uniform(0.5, 1.5, (STUDIES, LAYERS, 1)) * level[:, None]
    return studies, read + generator.standard_normal((STUDIES, LAYERS, PROMPTS))


def test_category_effects_look_like_detection_and_do_not_pass_for_it() -> None:
    studies, scores = category_studies()
    first = scores[:, 0]
    pooled = area(first, studies.misaligned, studies.others)
    assert pooled.mean() > 0.65
    assert np.mean(intervals(studies, first)[:, 0] > 0.5) > 0.7
    inside = intervals(studies, first, groups=CATEGORIES)
    assert np.mean(inside[:, 0] > 0.5) <= 0.06
    assert 0.93 <= covered(inside, 0.5) <= 0.97
    found = examine(studies, scores, CATEGORIES, PERMUTATIONS)
    assert 0.015 <= np.mean(found.plain[:, 0] < 0.05) <= 0.06
    assert 0.015 <= np.mean(found.adjusted.min(axis=1) < 0.05) <= 0.06


def test_permuting_over_categories_would_take_them_for_detection() -> None:
    studies, scores = category_studies()
    few = Studies(studies.latent[:60], studies.noise[:, :60], studies.misaligned[:60], SAMPLES)
    assert np.mean(examine(few, scores[:60, :1], NO_CATEGORY, 99).plain < 0.05) > 0.7


def test_what_is_planted_inside_categories_is_found_beside_their_effect() -> None:
    studies, scores = category_studies()
    few = Studies(studies.latent[:60], studies.noise[:, :60], studies.misaligned[:60], SAMPLES)
    scores = scores[:60].copy()
    scores[:, 3] += 1.5 * (few.latent - _means(few.latent))
    found = examine(few, scores, CATEGORIES, PERMUTATIONS)
    assert np.mean(found.adjusted[:, 3] < 0.05) > 0.8
    others = np.delete(found.adjusted, 3, axis=1)
    assert np.mean(others.min(axis=1) < 0.05) <= 0.1


def _means(values: np.ndarray) -> np.ndarray:
    """Of each category, at each of its prompts."""
    means = np.stack([values[:, each == CATEGORIES].mean(axis=1) for each in range(6)], axis=1)
    return means[:, CATEGORIES]
