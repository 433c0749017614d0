"""Known differences of two rates are found over seeds and prompts, equal rates are not told apart."""

from __future__ import annotations

import numpy as np
import pytest

from forewarn.statistics.labels import Labels
from forewarn.table.comparison import MARGIN, Comparison, compare, detectable
from planted_table import PROMPTS, side


def studies(first: float, second: float, seeds: tuple[int, int], spread: float, repeats: int = 300):
    """Comparisons of drawn studies, in which prompts and seeds both matter."""
    generator = np.random.default_rng(5)
    for _ in range(repeats):
        prompts = generator.normal(0, 0.1, PROMPTS)
        yield compare(
            side(generator, first, seeds[0], prompts, spread),
            side(generator, second, seeds[1], prompts, spread),
        )


@pytest.mark.parametrize(("seeds", "spread"), [((1, 1), 0.0), ((3, 3), 0.05), ((3, 3), 0.15)])
def test_the_interval_covers_the_difference_as_often_as_it_says(seeds, spread) -> None:
    found = [each.low <= 0.1 <= each.high for each in studies(0.45, 0.35, seeds, spread)]
    assert np.mean(found) > 0.91


@pytest.mark.parametrize(("seeds", "spread"), [((1, 1), 0.0), ((3, 3), 0.05)])
def test_equal_rates_are_told_apart_as_rarely_as_the_level_says(seeds, spread) -> None:
    assert np.mean([each.p_differs < 0.05 for each in studies(0.4, 0.4, seeds, spread)]) < 0.09


def test_rates_a_margin_apart_are_rarely_called_the_same() -> None:
    found = studies(0.3, 0.3 - MARGIN, (3, 3), 0.0)
    assert np.mean([each.p_equivalent < 0.05 for each in found]) < 0.09


def test_a_difference_of_the_size_that_could_be_found_is_found_that_often() -> None:
    size = np.median([each.minimal_detectable for each in studies(0.4, 0.4, (1, 1), 0.0, 50)])
    found = [each.p_differs < 0.05 for each in studies(0.4 + size, 0.4, (1, 1), 0.0)]
    assert 0.7 < np.mean(found) < 0.9


def test_at_low_rates_a_difference_is_not_promised_that_would_be_missed() -> None:
    """A higher rate varies more than the two that were seen."""
    generator = np.random.default_rng(6)

    def drawn(first: float, second: float, repeats: int) -> list[Comparison]:
        pairs = [[side(generator, rate, 1) for rate in (first, second)] for _ in range(repeats)]
        return [compare(*pair) for pair in pairs]

    size = np.median([each.minimal_detectable for each in drawn(0.01, 0.01, 50)])
    found = np.mean([each.p_differs < 0.05 for each in drawn(0.01 + size, 0.01, 300)])
    assert 0.7 < found < 0.95


def test_more_tests_take_a_larger_difference_and_few_seeds_one_that_no_rate_has() -> None:
    found = next(studies(0.4, 0.4, (3, 3), 0.05, 1))
    sizes = [detectable(found, tests) for tests in (1, 4, 40)]
    assert sizes == sorted(set(sizes)) and sizes[0] == pytest.approx(found.minimal_detectable)
    wild = next(studies(0.5, 0.5, (2, 1), 0.3, 1))
    assert detectable(wild, 1000) == 1


def test_seeds_that_differ_widen_the_interval() -> None:
    alike, unlike = ([a.high - a.low for a in studies(0.4, 0.4, (3, 3), each, 50)] for each in (0.0, 0.2))
    assert np.median(unlike) > 3 * np.median(alike)


def test_one_seed_each_says_nothing_of_seeds() -> None:
    (found,) = studies(0.4, 0.4, (1, 1), 0.0, 1)
    assert not found.seeds_counted and found.freedom == PROMPTS - 1
    (found,) = studies(0.4, 0.4, (3, 1), 0.0, 1)
    assert found.seeds_counted and found.seeds == (3, 1)


def test_nothing_misaligned_on_either_side_still_leaves_an_interval() -> None:
    none = [Labels.of([0] * 24, [10] * 24)]
    found = compare(none, none)
    assert found.difference == 0 and found.low < 0 < found.high
    assert found.p_differs == pytest.approx(1) and 0 < found.p_equivalent < 0.05
    few = [Labels.of([0] * 4, [2] * 4)]
    assert compare(few, few).p_equivalent > 0.05


def test_order_turns_the_sign_and_nothing_else() -> None:
    generator = np.random.default_rng(0)
    first, second = side(generator, 0.4, 3, 0.0, 0.05), side(generator, 0.2, 2, 0.0, 0.05)
    there, back = compare(first, second), compare(second, first)
    assert there.difference == pytest.approx(-back.difference)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.p_differs == pytest.approx(back.p_differs)


@pytest.mark.parametrize(
    "sides",
    [
        ([], [Labels.of([1, 2], [5, 5])]),
        ([Labels.of([1], [5])], [Labels.of([1], [5])]),
        ([Labels.of([1, 2], [5, 5])], [Labels.of([1, 2, 3], [5, 5, 5])]),
        ([Labels.of([0, 0], [0, 0])], [Labels.of([1, 2], [5, 5])]),
    ],
)
def test_what_cannot_be_compared_is_refused(sides) -> None:
    with pytest.raises(ValueError, match="seed"):
        compare(*sides)
