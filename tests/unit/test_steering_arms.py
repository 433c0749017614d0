"""The arms of an experiment: which there are, and that random directions match the tested one in norm."""

from __future__ import annotations

import numpy as np
import pytest

from forewarn.geometry.random_directions import isotropic
from forewarn.steering.arms import BASELINE, ablation_arms, addition_arms

WIDTH = 16
DIRECTION = np.random.default_rng(0).normal(0, 3, WIDTH).astype(np.float32)
NORM = float(np.linalg.norm(DIRECTION))


@pytest.fixture
def randoms():
    return {"random_isotropic": isotropic(3, WIDTH, 1), "random_covariance": isotropic(2, WIDTH, 2)}


def test_addition_has_a_baseline_and_per_coefficient_the_direction_and_all_random_ones(randoms):
    arms = addition_arms(DIRECTION, 4, [1.0, -0.5], randoms)
    assert arms[0] is BASELINE
    assert [arm.name for arm in arms[1:7]] == [
        "add_1x_direction", "add_1x_random_isotropic_00", "add_1x_random_isotropic_01",
        "add_1x_random_isotropic_02", "add_1x_random_covariance_00", "add_1x_random_covariance_01",
    ]  # fmt: skip
    assert [arm.coefficient for arm in arms[1:]] == [1.0] * 6 + [-0.5] * 6
    assert {arm.layer for arm in arms[1:]} == {4}
    assert {arm.operation for arm in arms[1:]} == {"add"}
    assert len({arm.name for arm in arms}) == len(arms)


def test_added_random_directions_have_the_norm_of_the_direction(randoms):
    for arm in addition_arms(DIRECTION, 4, [1.0, 2.0], randoms)[1:]:
        assert arm.vector.dtype == np.float32
        assert np.linalg.norm(arm.vector) == pytest.approx(NORM, rel=1e-6)
    first, *others = addition_arms(DIRECTION, 4, [1.0], randoms)[1:]
    assert np.array_equal(first.vector, DIRECTION)
    assert others[0].vector == pytest.approx(NORM * randoms["random_isotropic"][0], rel=1e-6)


def test_ablation_takes_out_unit_vectors_and_subtracts_the_whole_direction(randoms):
    arms = ablation_arms(DIRECTION, 4, [1.0, 2.0], randoms)
    assert [arm.operation for arm in arms] == ["none", *["ablate"] * 6, "subtract", "subtract"]
    for arm in arms[1:7]:
        assert np.linalg.norm(arm.vector) == pytest.approx(1.0, rel=1e-6)
        assert arm.layer is None and arm.coefficient is None
    assert arms[1].kind == "direction"
    assert arms[1].vector == pytest.approx(DIRECTION / NORM, rel=1e-6)
    for arm, coefficient in zip(arms[7:], [1.0, 2.0], strict=True):
        assert (arm.kind, arm.layer, arm.coefficient) == ("direction", 4, coefficient)
        assert np.array_equal(arm.vector, DIRECTION)


def test_without_random_directions_the_direction_stands_alone():
    empty = {"random_isotropic": isotropic(0, WIDTH, 0)}
    assert [arm.kind for arm in addition_arms(DIRECTION, 0, [1.0], empty)] == ["baseline", "direction"]
