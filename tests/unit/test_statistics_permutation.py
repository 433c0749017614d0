from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counted import laws, prompts, split
from forewarn.statistics.auroc import auroc
from forewarn.statistics.labels import Labels
from forewarn.statistics.permutation import family_wise, permuted

Rows = list[tuple[int, int, int]]
ONE = np.zeros(40)


@laws
@given(prompts, st.integers(1, 4), st.integers(0, 100))
def test_pairs_of_counts_stay_together_and_in_their_group(rows: Rows, groups: int, seed: int) -> None:
    _, labels = split(rows)
    group = np.array([f"g{index % groups}" for index in range(len(rows))])
    misaligned, responses = permuted(labels, group, 6, seed)
    assert misaligned.shape == responses.shape == (6, len(rows))
    for k, n in zip(misaligned, responses, strict=True):
        for name in set(group):
            inside = group == name
            before = sorted(zip(labels.misaligned[inside], labels.responses[inside], strict=True))
            assert sorted(zip(k[inside], n[inside], strict=True)) == before


def test_every_place_of_the_group_is_equally_likely() -> None:
    labels = Labels.of([3, 0, 0, 1, 0], [5, 5, 5, 5, 5])
    misaligned, _ = permuted(labels, np.array(["b", "b", "b", "a", "a"]), 6000, 0)
    where = [np.mean(misaligned[:, place] == 3) for place in range(5)]
    assert where[:3] == pytest.approx([1 / 3] * 3, abs=0.025)
    assert where[3:] == [0, 0]
    assert np.mean(misaligned[:, 3] == 1) == pytest.approx(0.5, abs=0.025)


def test_permutations_are_seeded() -> None:
    labels = Labels.of(np.arange(10), np.full(10, 10))
    first, again, other = (permuted(labels, np.zeros(10), 3, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def study(seed: int, effect: float = 0.0, layers: int = 4) -> tuple[np.ndarray, Labels]:
    generator = np.random.default_rng(seed)
    latent = generator.normal(size=40)
    labels = Labels.of(generator.binomial(10, 1 / (1 + np.exp(1 - latent))), np.full(40, 10))
    return effect * latent + generator.normal(size=(layers, 40)), labels


@pytest.mark.parametrize("effect", [0.0, 0.4, 0.8])
@pytest.mark.parametrize("count", [19, 99, 100, 333])
def test_a_layer_passes_above_its_critical_value_and_only_there(effect: float, count: int) -> None:
    for seed in range(8):
        found = family_wise(*study(seed, effect), ONE, count, seed)
        np.testing.assert_array_equal(found.aurocs > found.critical + 1e-9, found.adjusted < 0.05)
        assert np.all(found.adjusted >= found.p_values)
        assert np.all(found.p_values >= 1 / (1 + count))
        assert found.p_value == found.adjusted.min()
        np.testing.assert_allclose(found.p_values * (1 + count), np.round(found.p_values * (1 + count)))


def test_one_layer_alone_has_nothing_to_pay_for() -> None:
    scores, labels = study(1, 0.3, layers=1)
    found = family_wise(scores, labels, ONE, 200, 0)
    assert found.adjusted[0] == found.p_values[0]
    assert found.aurocs[0] == pytest.approx(auroc(scores[0], labels).value)


def test_a_p_value_is_the_share_of_permutations_that_reach_the_auroc() -> None:
    scores, labels = study(2, 0.3, layers=1)
    found = family_wise(scores, labels, ONE, 200, 0)
    misaligned, responses = permuted(labels, ONE, 200, 0)
    reached = sum(
        auroc(scores[0], Labels.of(k, n)).value >= found.aurocs[0]  # type: ignore[operator]
        for k, n in zip(misaligned, responses, strict=True)
    )
    assert found.p_values[0] == pytest.approx((1 + reached) / 201)


def test_a_planted_layer_is_named_although_another_one_reads_the_category_better() -> None:
    generator = np.random.default_rng(3)
    category = np.repeat([0, 1, 2, 3], 30)
    inside = generator.normal(size=120)
    chance = 1 / (1 + np.exp(4 - 1.5 * category - 0.8 * inside))
    labels = Labels.of(generator.binomial(20, chance), np.full(120, 20))
    scores = np.stack(
        [
            generator.normal(size=120),
            category + 0.3 * generator.normal(size=120),
            inside + generator.normal(size=120),
        ]
    )
    found = family_wise(scores, labels, category, 500, 0)
    assert np.argmax(found.aurocs) == 1
    assert found.layer == 2
    assert found.p_value == pytest.approx(1 / 501)
    assert found.adjusted[0] > 0.05 < found.adjusted[1]
    assert found.chance[1] > 0.75
    assert found.chance[0] == pytest.approx(0.5, abs=0.02)
    content = found.as_dict()
    json.dumps(content, allow_nan=False)
    assert content["layer"] == 2
    assert content["auroc"] < content["largest_auroc"]
    assert content["auroc"] > content["critical"]


def test_what_the_category_alone_tells_is_nothing() -> None:
    category = np.repeat([0, 1], 20)
    labels = Labels.of(np.where(category, 9, 1), np.full(40, 10))
    found = family_wise(category[None].astype(float), labels, category, 50, 0)
    assert found.aurocs[0] == pytest.approx(0.9)
    assert found.p_value == 1


def test_one_class_and_no_layer_have_no_test() -> None:
    found = family_wise(np.zeros((2, 3)), Labels.of([0, 0, 0], [2, 2, 2]), np.zeros(3), 9, 0).as_dict()
    assert found["p_value"] is None
    assert found["aurocs"] == [None, None]
    assert "one class only" in found["reason"]
    json.dumps(found, allow_nan=False)
    nothing = family_wise(np.zeros((0, 3)), Labels.of([1, 0, 0], [2, 2, 2]), np.zeros(3), 9, 0)
    assert nothing.as_dict()["reason"] == "there is no layer"
