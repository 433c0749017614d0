from __future__ import annotations

import numpy as np
import pytest

from forewarn.statistics.auroc import auroc
from forewarn.statistics.bootstrap import bootstrap_auroc, percentile_interval, resample
from forewarn.statistics.labels import Labels
from forewarn.statistics.planted import Population
from forewarn.statistics.two_way import two_way_bootstrap

POPULATION = Population(0.2, 0.2)
WEIGHTS = (0.2, 0.8)
"""Of the seeds' detectors on the propensity, drawn uniformly between these."""


def crossed(generator: np.random.Generator, seeds: int, prompts: int = 60) -> list[tuple[np.ndarray, Labels]]:
    """Seeds differ in how well they can be read; prompts bring their propensity to all of them."""
    latent = generator.standard_normal(prompts)
    chance = POPULATION.propensities(latent)
    studies = []
    for weight in generator.uniform(*WEIGHTS, seeds):
        scores = weight * latent + np.sqrt(1 - weight**2) * generator.standard_normal(prompts)
        studies.append((scores, Labels.of(generator.binomial(10, chance), np.full(prompts, 10))))
    return studies


def test_resamples_of_one_seed_are_those_of_prompts() -> None:
    study = crossed(np.random.default_rng(0), 1)
    found = percentile_interval(two_way_bootstrap(study, 4000, 1))
    plain = percentile_interval(bootstrap_auroc(*study[0], resample(60, 4000, 2)))
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=0.01)


def test_equal_seeds_add_no_spread() -> None:
    study = crossed(np.random.default_rng(1), 1) * 3
    np.testing.assert_allclose(two_way_bootstrap(study, 50, 1), two_way_bootstrap(study[:1], 50, 1))


def test_the_draws_are_means_over_drawn_seeds() -> None:
    # Three seeds of known AUROC, the same in every resample of prompts: 0, 1 and 1/2.
    scores, labels = np.array([0.0, 1.0]), Labels.of([0, 9], [9, 9])
    studies = [(-scores, labels), (scores, labels), (np.zeros(2), labels)]
    found = two_way_bootstrap(studies, 4000, 0)
    defined = found[~np.isnan(found)]
    assert np.isnan(found).mean() == pytest.approx(0.5, abs=0.03)  # one of the two prompts was drawn twice
    assert set(np.round(6 * defined)) == {0, 1, 2, 3, 4, 5, 6}
    assert np.mean(defined) == pytest.approx(0.5, abs=0.02)
    assert np.mean(defined == 1) == pytest.approx(1 / 27, abs=0.015)


def test_a_seed_that_was_not_drawn_may_be_undefined() -> None:
    scores, labels = np.arange(4.0), Labels.of([0, 1, 2, 3], [4, 4, 4, 4])
    one_class = (scores, Labels.of([0, 0, 0, 0], [4, 4, 4, 4]))
    found = two_way_bootstrap([(scores, labels), one_class], 2000, 0)
    # (1/2)^2 of the resamples hold the first seed twice, and few of these no pair of classes.
    assert 0.2 < np.mean(~np.isnan(found)) < 0.28


def test_it_covers_where_the_bootstrap_over_prompts_does_not() -> None:
    generator = np.random.default_rng(3)
    truth = np.mean([POPULATION.auroc(weight) for weight in np.linspace(*WEIGHTS, 41)])
    held = {3: [0, 0], 8: [0, 0]}
    runs = 150
    for run in range(runs):
        for seeds, counts in held.items():
            studies = crossed(generator, seeds)
            drawn = resample(60, 300, run)
            of_prompts = np.mean([bootstrap_auroc(*study, drawn) for study in studies], axis=0)
            for index, draws in enumerate([two_way_bootstrap(studies, 300, run), of_prompts]):
                found = percentile_interval(draws, prompts=60)
                assert found.low is not None and found.high is not None
                counts[index] += found.low <= truth <= found.high
    shares = {seeds: [count / runs for count in counts] for seeds, counts in held.items()}
    assert shares[3][0] > 0.86
    assert shares[8][0] > 0.91
    assert shares[3][1] < 0.88
    assert shares[8][1] < shares[8][0]


def test_seeds_with_other_prompts_are_refused() -> None:
    first, second = crossed(np.random.default_rng(0), 1), crossed(np.random.default_rng(0), 1, 30)
    with pytest.raises(ValueError, match=r"same prompts; found \[30, 60\]"):
        two_way_bootstrap(first + second, 5, 0)
    with pytest.raises(ValueError, match="no seed"):
        two_way_bootstrap([], 5, 0)


def test_groups_compare_inside_groups_only() -> None:
    studies = crossed(np.random.default_rng(5), 2)
    groups = np.arange(60) % 2
    found = two_way_bootstrap(studies, 2000, 0, groups)
    inside = np.mean([auroc(*study, groups).value for study in studies])
    assert np.mean(found) == pytest.approx(inside, abs=0.02)
