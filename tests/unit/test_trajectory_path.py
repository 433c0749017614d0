"""Paths whose shape is known: the local cosine, the rule about rotations and the PCA find it, or nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forewarn.trajectory.path import (
    inner_products,
    local_cosine,
    matrix_scores,
    principal_components,
    prominence,
    random_walk,
)
from forewarn.trajectory.rotation import peak_of, rotation
from planted_paths import STEPS, TURN, WIDTH, path_of, strides, turned, units

LAGS = (4, 8, 12)


def straight(seed=1, noise=0.1):
    return turned(0.0, seed, noise)


def peaks(points, least=0.028):
    gram = inner_products(points)
    least *= np.sqrt(gram[-1, -1])
    return {lag: peak_of(STEPS, local_cosine(gram, lag // 4, max(LAGS) // 4).masked(least)) for lag in LAGS}


def test_the_local_cosine_is_that_of_the_two_displacements():
    points = np.random.default_rng(0).normal(size=(9, 4, 3))
    found = local_cosine(inner_products(points), 2)
    back, on = (points[2] - points[4]).ravel(), (points[6] - points[4]).ravel()
    assert found.cosine[4] == pytest.approx(back @ on / np.linalg.norm(back) / np.linalg.norm(on))
    assert found.move[4] == pytest.approx(max(np.linalg.norm(back), np.linalg.norm(on)))
    assert np.isnan(found.cosine[[0, 1, 7, 8]]).all() and not np.isnan(found.cosine[2:7]).any()


@pytest.mark.parametrize(("angle", "cosine"), [(0.0, -1.0), (np.pi / 2, 0.0), (np.pi, 1.0)])
def test_straight_right_angle_and_reversal_have_the_cosines_of_the_paper(angle, cosine):
    gram = inner_products(turned(angle, noise=0.0))
    assert local_cosine(gram, 2).cosine[STEPS.index(TURN)] == pytest.approx(cosine, abs=1e-9)


def test_short_displacements_are_masked_and_the_larger_one_counts():
    points = path_of(units(np.zeros(30)), np.r_[np.full(15, 1.0), np.full(15, 1e-3)])
    turning = local_cosine(inner_products(points), 1)
    assert np.flatnonzero(~np.isnan(turning.masked(0.1))).tolist() == list(range(1, 16))
    assert np.isnan(turning.masked(5.0)).all()


def test_a_path_that_does_not_move_has_no_cosine_and_no_peak():
    assert np.isnan(local_cosine(np.zeros((31, 31)), 2).cosine).all()
    assert peaks(np.zeros((31, 3)))[4].step is None


@pytest.mark.parametrize("angle", [np.pi / 4, np.pi / 2, 2.5])
def test_a_planted_turn_is_found_where_it_is(angle):
    found = rotation(peaks(turned(angle)), peaks(straight()), 0.1)
    assert found["declared"] and found["step"] == TURN
    assert found["range"] == [TURN, TURN]
    assert all(each["clears"] for each in found["lags"].values())


def random_directions(seed):
    drawn = np.random.default_rng(seed).standard_normal((len(STEPS) - 1, WIDTH))
    return path_of(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), strides())


NULLS = {
    "straight": lambda seed: straight(seed, 0.3),
    "noisy": lambda seed: straight(seed, 2.0),
    "arc": lambda seed: path_of(units(np.linspace(0, 2, 30)), strides(), 0.1, seed),
    "walk": random_directions,
    "fading": lambda seed: path_of(units(np.zeros(30)), np.linspace(1, 0.05, 30), 3.0, seed),
}


@pytest.mark.parametrize("name", NULLS)
def test_nothing_is_declared_on_paths_without_a_turn(name):
    declared = [
        rotation(peaks(NULLS[name](seed)), peaks(NULLS[name](seed + 1000)), 0.1)["declared"]
        for seed in range(100)
    ]
    assert np.mean(declared) <= 0.01


def test_a_turn_that_the_benign_path_has_as_well_is_none_and_a_path_never_clears_itself():
    mine = peaks(turned(np.pi / 2))
    assert not rotation(mine, peaks(turned(np.pi / 2, seed=5)), 0.1)["declared"]
    itself = rotation(mine, mine, 0.1)
    assert not itself["declared"] and itself["step"] is None and itself["range"] is None


def test_peaks_far_apart_over_lags_are_no_rotation():
    mine = peaks(turned(np.pi / 2))
    moved = mine | {4: peak_of(STEPS, np.where(np.arange(31) == 4, 0.9, -1.0))}
    assert not rotation(moved, peaks(straight()), 0.1)["declared"]


def test_prominence_is_that_above_both_sides():
    values = np.array([np.nan, -1.0, -0.2, -0.9, np.nan, 0.5, 0.1])
    assert prominence(values)[2] == pytest.approx(0.7)
    assert prominence(values)[5] == pytest.approx(0.4)
    assert np.isnan(prominence(values)[[0, 1, 4, 6]]).all()
    assert np.nanmax(prominence(np.linspace(-1, 0.9, 20))) <= 0  # a rise to the end is no peak
    assert np.isnan(prominence(np.array([1.0, np.nan, 2.0]))).all()


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=20))
def test_prominence_never_exceeds_the_range(values):
    found = prominence(np.array(values))
    assert np.nanmax(found) <= max(values) - min(values) + 1e-12


def test_principal_components_are_those_of_the_stacked_points():
    points = np.random.default_rng(2).normal(size=(12, 40)).cumsum(axis=0)
    plane = principal_components(inner_products(points), 4)
    _, sizes, right = np.linalg.svd(points - points.mean(axis=0))
    assert plane.explained == pytest.approx((sizes**2 / np.sum(sizes**2))[:4])
    assert np.abs(plane.scores) == pytest.approx(np.abs((points - points.mean(axis=0)) @ right[:4].T))
    assert (plane.scores[-1] >= 0).all()


def test_a_random_walk_has_most_of_its_variance_in_two_components_too():
    points = random_directions(3)
    walk = principal_components(random_walk(inner_products(points))).explained
    assert walk[:2].sum() > 0.7
    assert principal_components(inner_products(points)).explained[:2] == pytest.approx(walk[:2], abs=0.08)


def test_the_matrix_score_is_the_papers_of_vectors_less_their_mean_over_steps():
    stacked = np.random.default_rng(4).normal(size=(8, 3, 20))
    centred = stacked - stacked.mean(axis=0)
    x, y = centred[2], centred[-1]
    expected = np.linalg.norm(x.T @ y) / np.linalg.norm(x) / np.linalg.norm(y)
    assert matrix_scores(stacked)[2] == pytest.approx(expected)
    assert np.isnan(matrix_scores(np.zeros((4, 2, 5)))).all()
