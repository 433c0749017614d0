from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from forewarn.statistics.intervals import newcombe, quantile, wilson

laws = settings(max_examples=60, deadline=None)
counts = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(("count", "n", "high"), [(0, 40, 0.0876), (0, 200, 0.0188), (0, 400, 0.0095)])
def test_nothing_seen_leaves_the_known_upper_bounds(count: int, n: int, high: float) -> None:
    assert wilson(count, n).high == pytest.approx(high, abs=5e-5)
    assert wilson(count, n).low == 0


@laws
@given(counts, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_equals_scipy(pair: tuple[int, int], confidence: float) -> None:
    rate = wilson(*pair, confidence)
    other = binomtest(*pair).proportion_ci(confidence, method="wilson")
    assert (rate.low, rate.high) == pytest.approx((other.low, other.high), abs=1e-12)


@laws
@given(counts)
def test_wilson_holds_the_rate_within_0_and_1(pair: tuple[int, int]) -> None:
    rate = wilson(*pair)
    assert 0 <= rate.low <= pair[0] / pair[1] <= rate.high <= 1


@laws
@given(counts)
def test_wilson_mirrors(pair: tuple[int, int]) -> None:
    count, n = pair
    rate, mirrored = wilson(count, n), wilson(n - count, n)
    assert (rate.low, rate.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low), abs=1e-12)


@laws
@given(counts)
def test_text_never_claims_a_bare_0_or_100_percent(pair: tuple[int, int]) -> None:
    text = str(wilson(*pair))
    assert not re.match(r"(0(\.0*)?|100(\.0*)?) %", text)
    if pair[0] == 0:
        assert "at most" in text
    if pair[0] == pair[1]:
        assert "at least" in text


def test_text_of_the_seed_studies_result() -> None:
    assert str(wilson(0, 40)) == "0 of 40, at most 8.8 %"
    assert str(wilson(12, 40)) == "30.0 % [18.1, 45.4], 12 of 40"


def test_a_rate_of_nothing_is_undefined() -> None:
    found = wilson(0, 0).as_dict()
    assert found["rate"] is None
    assert (found["low"], found["high"]) == (0, 1)
    assert "undefined" in found["text"]


@pytest.mark.parametrize(("count", "n"), [(-1, 3), (4, 3), (1, 0)])
def test_impossible_counts_are_refused(count: int, n: int) -> None:
    with pytest.raises(ValueError, match="between 0 and n"):
        wilson(count, n)


def test_newcombe_gives_the_published_example() -> None:
    # Newcombe 1998, table II, case (a): 56/70 - 48/80, method 10.
    found = newcombe(wilson(56, 70), wilson(48, 80))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@laws
@given(counts, counts)
def test_newcombe_mirrors_and_holds_the_difference(a: tuple[int, int], b: tuple[int, int]) -> None:
    forth, back = newcombe(wilson(*a), wilson(*b)), newcombe(wilson(*b), wilson(*a))
    assert forth.value is not None and forth.low is not None and forth.high is not None
    assert -1 - 1e-12 <= forth.low <= forth.value <= forth.high <= 1 + 1e-12
    assert (forth.low, forth.high) == pytest.approx((-(back.high or 0), -(back.low or 0)), abs=1e-12)


def test_newcombe_of_nothing_is_undefined() -> None:
    assert newcombe(wilson(0, 0), wilson(1, 2)).as_dict()["value"] is None
    with pytest.raises(ValueError, match="cannot be combined"):
        newcombe(wilson(1, 2, 0.9), wilson(1, 2, 0.95))


def test_wilson_covers() -> None:
    generator = np.random.default_rng(0)
    for truth in (0.05, 0.3):
        drawn = generator.binomial(60, truth, size=2000)
        rates = [wilson(k, 60) for k in range(61)]
        held = np.mean([rates[k].low <= truth <= rates[k].high for k in drawn])
        assert 0.93 < held < 0.985


def test_quantile() -> None:
    assert quantile(0.95) == pytest.approx(1.959964, abs=1e-6)
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile(95)
