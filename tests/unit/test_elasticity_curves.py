"""Compression, half-returns and the order over n: planted truths are recovered, and noise gives nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from forewarn.elasticity.arms import Place, place_of, steps_of
from forewarn.elasticity.compression import compression
from forewarn.elasticity.curves import half_return, remaining, weighted
from forewarn.elasticity.order import order_over_n
from forewarn.errors import StudyError

ROWS = np.array([0, 16, 32, 64, 128])


def test_a_uniform_model_saves_nothing_and_a_certain_one_everything():
    lengths = [3, 5, 9]
    uniform = compression([math.log(256) * length for length in lengths], lengths, 256)
    assert uniform["rate"] == pytest.approx(1) and uniform["bits_per_token"] == pytest.approx(8)
    assert uniform["interval"]["low"] == pytest.approx(1) == uniform["interval"]["high"]
    assert uniform["texts"] == 3 and uniform["tokens"] == 17
    certain = compression([0.0, 0.0], [4, 4], 256)
    assert certain["rate"] == 0 and certain["saved"] == pytest.approx(8)


def test_the_rate_is_the_entropy_of_the_source_that_was_planted():
    generator = np.random.default_rng(0)
    p = np.array([0.5, 0.25, 0.125, 0.125])  # 1.75 bits, which Huffman reaches as well
    drawn = generator.choice(4, size=(400, 20), p=p)
    found = compression((-np.log(p[drawn])).sum(axis=1).tolist(), [20] * 400, 4)
    assert found["interval"]["low"] < 1.75 / 2 < found["interval"]["high"]
    lengths = np.array([1, 2, 3, 3])  # of Huffman's code words
    assert found["bits_per_token"] == pytest.approx(lengths[drawn].mean())


@pytest.mark.parametrize("losses, tokens, vocabulary", [([], [], 4), ([1.0], [0], 4), ([1.0], [1], 1)])
def test_nothing_has_no_compression_rate(losses, tokens, vocabulary):
    with pytest.raises(ValueError, match="takes texts"):
        compression(losses, tokens, vocabulary)


def test_half_of_the_way_back_is_found_between_points():
    values = np.array([[0.6, 0.4, 0.2, 0.1, 0.1], [0.6, 0.6, 0.6, 0.5, 0.5], [0.1, 0.3, 0.1, 0.2, 0.1]])
    shares = remaining(values, np.array([0.1, 0.1, 0.1]))
    assert shares[0].tolist() == pytest.approx([1, 0.6, 0.2, 0, 0])
    halves = half_return(shares, ROWS)
    assert halves[0] == pytest.approx(20) and halves[1] == np.inf and np.isnan(halves[2])
    # The sign of a projection does not matter
    assert half_return(remaining(-values[0], np.array(-0.1)), ROWS) == pytest.approx(20)


def test_means_over_drawn_prompts_and_runs():
    values = np.arange(12).reshape(2, 2, 3)
    once = weighted(values, np.ones_like(values), np.ones((1, 3)), np.ones((1, 2)))
    assert once.tolist() == [values.mean(axis=(0, 2)).tolist()]
    drawn = weighted(values, np.ones_like(values), np.array([[0, 0, 3]]), np.array([[2, 0]]))
    assert drawn.tolist() == [values[0, :, 2].tolist()]


def test_the_planted_order_is_found_and_so_is_the_opposite():
    faster = np.array([[60.0, 64, 61], [40, 38, 41], [20, 22, 19]])
    found = order_over_n(faster)
    assert found["statistic"] == 1 and found["p_value"] == pytest.approx(2 / 216) == found["least_p"]
    slower = order_over_n(faster[::-1])
    assert slower["statistic"] == -1 and slower["p_value"] == pytest.approx(2 / 216)
    never = order_over_n(np.array([[np.inf, np.inf, np.inf], [40, 38, 41], [20, 22, 19]]))
    assert never["statistic"] == 1
    assert order_over_n(np.full((3, 3), np.inf))["p_value"] == 1
    many = order_over_n(np.repeat(faster, 2, axis=1))
    assert many["shufflings"] == 20_000 and many["p_value"] < 0.001


def test_where_n_does_not_matter_the_order_is_rarely_found():
    generator = np.random.default_rng(1)
    p_values = [order_over_n(generator.normal(size=(3, 3)))["p_value"] for _ in range(200)]
    assert sum(p <= 0.05 for p in p_values) <= 17  # expected at most 10
    assert order_over_n(np.ones((1, 3)))["p_value"] is None


def test_arms_have_names_and_rows_are_whole_steps():
    place = Place(320, 16, 1)
    assert place_of(place.name) == place
    with pytest.raises(ValueError, match="names no point"):
        place_of("baseline")
    assert steps_of([0, 16, 64], 16) == [0, 1, 4]
    with pytest.raises(StudyError, match="multiples of 16"):
        steps_of([0, 24], 16)
