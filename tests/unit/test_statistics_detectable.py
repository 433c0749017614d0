from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from counted import laws
from forewarn.statistics.detectable import minimal_detectable_difference
from forewarn.statistics.intervals import newcombe, wilson


def found_above(n_first: int, n_second: int, confidence: float = 0.95) -> np.ndarray:
    """Whether each pair of counts puts Newcombe's interval above 0: bool [first, second]."""
    first = [wilson(count, n_first, confidence) for count in range(n_first + 1)]
    second = [wilson(count, n_second, confidence) for count in range(n_second + 1)]
    return np.array([[newcombe(a, b).low > 0 for b in second] for a in first])  # type: ignore[operator]


def power(found: np.ndarray, first: float, second: float) -> float:
    n_first, n_second = found.shape[0] - 1, found.shape[1] - 1
    a, b = (
        binom.pmf(np.arange(n_first + 1), n_first, first),
        binom.pmf(np.arange(n_second + 1), n_second, second),
    )
    return float(a @ found @ b)


@pytest.mark.parametrize(("n_first", "n_second"), [(40, 40), (25, 60), (60, 25)])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.45, 0.8])
def test_the_power_is_reached_there_and_not_below(n_first: int, n_second: int, rate: float) -> None:
    table = found_above(n_first, n_second)
    difference = minimal_detectable_difference(n_first, n_second, rate)
    if difference is None:
        assert power(table, 1.0, rate) < 0.8
        return
    assert power(table, rate + difference, rate) == pytest.approx(0.8, abs=1e-6)
    assert power(table, rate + 0.99 * difference, rate) < 0.8


def test_simulated_studies_find_it_as_often_as_promised() -> None:
    generator = np.random.default_rng(0)
    n, rate = 150, 0.12
    table = found_above(n, n)
    difference = minimal_detectable_difference(n, n, rate)
    assert difference is not None
    first, second = generator.binomial(n, [[rate + difference], [rate]], (2, 4000))
    assert table[first, second].mean() == pytest.approx(0.8, abs=0.02)
    below = minimal_detectable_difference(n, n, 0.5, direction="below")
    assert below is not None
    first, second = generator.binomial(n, [[0.5 - below], [0.5]], (2, 4000))
    assert table[second, first].mean() == pytest.approx(0.8, abs=0.02)  # the interval mirrors
    first, second = generator.binomial(n, rate, (2, 4000))
    assert table[first, second].mean() < 0.035


@laws
@given(st.integers(1, 300), st.integers(1, 300), st.floats(0, 1))
def test_what_is_below_mirrors_what_is_above(n_first: int, n_second: int, rate: float) -> None:
    below = minimal_detectable_difference(n_first, n_second, rate, direction="below")
    above = minimal_detectable_difference(n_first, n_second, 1 - rate)
    assert below == (None if above is None else pytest.approx(above, abs=1e-6))
    if above is not None:
        assert 0 < above <= rate + 1e-12


@laws
@given(st.integers(10, 400), st.floats(0.02, 0.6))
def test_more_data_more_confidence_and_less_power_change_it_as_they_must(n: int, rate: float) -> None:
    here = minimal_detectable_difference(n, n, rate)
    if here is None:
        return
    four_times, easier = (
        minimal_detectable_difference(4 * n, 4 * n, rate),
        minimal_detectable_difference(n, n, rate, power=0.5),
    )
    assert four_times is not None and easier is not None
    assert four_times < 0.75 * here
    assert easier < here
    stricter = minimal_detectable_difference(n, n, rate, confidence=0.99)
    assert stricter is None or stricter > here


def test_large_numbers_follow_the_normal_approximation() -> None:
    n, rate = 50_000, 0.1
    found = minimal_detectable_difference(n, n, rate)
    approximate = (1.959964 + 0.841621) * np.sqrt(2 * rate * (1 - rate) / n)
    assert found == pytest.approx(approximate, rel=0.02)


def test_too_few_responses_detect_nothing() -> None:
    assert minimal_detectable_difference(0, 50, 0.1) is None
    assert minimal_detectable_difference(50, 0, 0.1) is None
    assert minimal_detectable_difference(2, 2, 0.5) is None
    assert minimal_detectable_difference(50, 50, 0.0, direction="below") is None
    with pytest.raises(ValueError, match="no power"):
        minimal_detectable_difference(50, 50, 1.2)
