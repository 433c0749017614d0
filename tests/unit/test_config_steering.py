"""Which experiments of steering a study has, and what each of them depends on."""

from __future__ import annotations

from typing import Any

import pytest

from forewarn.config import load_configuration
from forewarn.config.model import Steering
from forewarn.preflight.judging import count_arms
from forewarn.steering.arms import ablation_arms, addition_arms, dose_arms, everywhere_arms
from nano_study import nano_study

FIRST, SECOND = ("bad_medical-rank8_layer1-seed0", "bad_medical-rank8_layer1-seed1")


def steering(**changes: Any) -> Steering:
    """That of the default study, with changes of its further arms."""
    raw = nano_study()
    further = raw["studies"]["nano"]["steering"]["further"]
    raw["studies"]["nano"]["steering"]["further"] = None if changes.get("nothing") else further | changes
    return load_configuration(raw).studies["nano"].steering


def test_every_organism_is_tested_and_some_have_further_arms() -> None:
    assert steering().experiments(SECOND) == ["add", "ablate"]
    assert steering().experiments(FIRST) == [
        "add", "ablate", "add_doses", "subtract_doses", "layers", "transfer"
    ]  # fmt: skip
    assert steering(nothing=True).experiments(FIRST) == ["add", "ablate"]


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"doses": []}, {"add_doses", "subtract_doses"}),
        ({"transfer_to": []}, {"transfer"}),
        ({"transfer_to": [{"dataset": "bad_medical", "adapter": "rank8_layer1", "seed": 0}]}, {"transfer"}),
        ({"layer_by_layer": []}, set()),  # the prompt alone is left
        ({"layer_by_layer": [], "positions": ["all"]}, {"layers"}),
    ],
)
def test_what_is_not_asked_for_is_not_run(changes: dict[str, Any], missing: set[str]) -> None:
    every = set(steering().experiments(FIRST))
    assert every - set(steering(**changes).experiments(FIRST)) == missing


def test_a_direction_is_not_transferred_to_where_it_comes_from() -> None:
    assert FIRST not in steering().others(FIRST)
    assert steering().others(SECOND) == [name for name in steering().others(FIRST) if name != SECOND]


def test_an_experiment_depends_on_its_own_keys_alone() -> None:
    plain = steering()
    other = steering(doses=[4.0], positions=["prompt"], random_per_dose=9, random_per_layer=8)
    assert plain.arms("add") == other.arms("add")
    assert plain.arms("ablate") == steering(nothing=True).arms("ablate")
    assert other.arms("subtract_doses")["random_isotropic"] == 9
    assert other.arms("layers")["random_covariance"] == 8
    assert set(other.arms("layers")) - set(other.arms("transfer")) == {"positions", "layer_by_layer"}
    assert set(other.arms("add_doses")) - set(other.arms("transfer")) == {"positions", "doses"}


def test_without_further_arms_they_have_no_settings() -> None:
    with pytest.raises(ValueError, match="there is no transfer"):
        steering(nothing=True).arms("transfer")
    assert steering(nothing=True).others(FIRST) == []


def test_the_estimate_of_judging_counts_the_arms_that_are_run() -> None:
    import numpy as np

    from forewarn.geometry.random_directions import isotropic

    chosen, direction = steering(), np.ones(8)

    def randoms(operation: str) -> Any:
        arms = chosen.arms(operation)
        counts = (arms["random_isotropic"], arms["random_covariance"])
        names = ("random_isotropic", "random_covariance")
        return {name: isotropic(count, 8, 0) for name, count in zip(names, counts, strict=True)}

    coefficients = chosen.coefficients
    assert count_arms(chosen, FIRST, "add") == len(addition_arms(direction, 3, coefficients, randoms("add")))
    assert count_arms(chosen, FIRST, "ablate") == len(
        ablation_arms(direction, 3, coefficients, randoms("ablate"))
    )
    doses = chosen.arms("add_doses")
    each = dose_arms("add", direction, 3, doses["doses"], randoms("add_doses"))
    assert count_arms(chosen, FIRST, "add_doses") == 1 + len(doses["positions"]) * len(each)
    one = len(everywhere_arms(direction, randoms("transfer")))
    assert count_arms(chosen, FIRST, "transfer") == len(chosen.others(FIRST)) * (one + 2)
