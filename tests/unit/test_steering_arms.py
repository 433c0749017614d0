"""The arms of an experiment: which there are, and that random directions match the tested one in norm."""

from __future__ import annotations

import numpy as np
import pytest

from forewarn.geometry.random_directions import isotropic
from forewarn.steering.arms import (
    BASELINE,
    ablation_arms,
    addition_arms,
    block_arms,
    dose_arms,
    everywhere_arms,
    own_arm,
)

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


@pytest.mark.parametrize("operation", ["add", "subtract"])
@pytest.mark.parametrize(("positions", "ending"), [("all", ""), ("prompt", "_at_prompt")])
def test_every_dose_has_the_same_random_directions_at_its_norm(randoms, operation, positions, ending):
    arms = dose_arms(operation, DIRECTION, 4, [0.5, 2.0], randoms, positions)
    assert [arm.name for arm in arms[::6]] == [
        f"{operation}_{dose}x_direction{ending}" for dose in ("0.5", "2")
    ]
    half, double = arms[:6], arms[6:]
    for one, other in zip(half, double, strict=True):
        assert (one.coefficient, other.coefficient) == (0.5, 2.0)
        assert np.array_equal(one.vector, other.vector)
        assert np.linalg.norm(one.vector) == pytest.approx(NORM, rel=1e-6)
    assert {(arm.operation, arm.layer, arm.positions) for arm in arms} == {(operation, 4, positions)}
    assert len({arm.name for arm in arms}) == len(arms) == 12


def test_registered_arms_are_the_doses_at_every_position(randoms):
    def told(arms):
        return [(arm.name, arm.coefficient, arm.layer, arm.positions, arm.vector.tolist()) for arm in arms]

    assert told(addition_arms(DIRECTION, 4, [1.0], randoms)[1:]) == told(
        dose_arms("add", DIRECTION, 4, [1.0], randoms)
    )
    *ablated, subtracted = ablation_arms(DIRECTION, 4, [1.0], randoms)[1:]
    assert told(ablated) == told(everywhere_arms(DIRECTION, randoms))
    assert told([subtracted]) == told(dose_arms("subtract", DIRECTION, 4, [1.0], {}))


def test_ablation_after_one_block_has_unit_vectors_and_names_the_block(randoms):
    arms = block_arms(DIRECTION, 2, randoms)
    assert [arm.name for arm in arms[:2]] == [
        "ablate_direction_at_layer_2", "ablate_random_isotropic_00_at_layer_2"
    ]  # fmt: skip
    assert {(arm.layer, arm.positions, arm.coefficient) for arm in arms} == {(2, "all", None)}
    assert [np.linalg.norm(arm.vector) for arm in arms] == pytest.approx([1.0] * 6, rel=1e-6)
    everywhere = everywhere_arms(DIRECTION, randoms, "prompt")
    assert {(arm.layer, arm.positions) for arm in everywhere} == {(None, "prompt")}
    assert not {arm.name for arm in everywhere} & {arm.name for arm in everywhere_arms(DIRECTION, randoms)}


def test_an_organism_has_an_arm_for_its_own_direction():
    arm = own_arm(DIRECTION)
    assert (arm.kind, arm.operation, arm.layer) == ("own_direction", "ablate", None)
    assert arm.vector == pytest.approx(DIRECTION / NORM, rel=1e-6)
