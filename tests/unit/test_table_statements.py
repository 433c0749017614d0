"""Statements about models and quantisation: planted differences are found, what is missing is not filled."""

from __future__ import annotations

import numpy as np
import pytest

from forewarn.table.statements import groups, pairs, state
from planted_table import answered, recipe, scored

SEEDS = (0, 1, 2)


def organisms(model: str, adapter: str = "rank32", dataset: str = "bad_advice", **changes):
    return [recipe(model, f"{dataset}-{adapter}-seed{seed}", **changes) for seed in SEEDS]


QUANTISED = {"quantised_from": "rank32", "method": "nf4"}
MODELS = [
    *organisms("qwen"), *organisms("gemma"), *organisms("llama"),
    *organisms("qwen", "rank32_nf4", **QUANTISED), *organisms("llama", "rank32_nf4", **QUANTISED),
    *organisms("qwen", dataset="good_advice"), recipe("qwen"), *organisms("phi"),
]  # fmt: skip
RATES = {
    ("qwen", "rank32"): 0.4, ("gemma", "rank32"): 0.1, ("llama", "rank32"): 0.4,
    ("qwen", "rank32_nf4"): 0.15, ("llama", "rank32_nf4"): 0.4,
}  # fmt: skip


def verdicts(content) -> dict[tuple[str, str], str]:
    return {(each["first"], each["second"]): each["verdict"] for each in content["statements"]}


def name(model: str, adapter: str = "rank32") -> str:
    return f"{model}/bad_advice-{adapter}"


def test_planted_differences_are_found_and_only_they() -> None:
    recipes = [each for each in MODELS if each["dataset"] == "bad_advice"]
    found = verdicts(state(recipes, scored(recipes, RATES)))
    differing = {pair for pair, verdict in found.items() if verdict == "differs"}
    assert differing == {
        (name("qwen"), name("gemma")), (name("gemma"), name("llama")),
        (name("qwen", "rank32_nf4"), name("qwen")), (name("qwen", "rank32_nf4"), name("llama", "rank32_nf4")),
    }  # fmt: skip
    assert found[name("llama", "rank32_nf4"), name("llama")] in ("equivalent", "undecided")


def test_equal_models_are_called_the_same_with_enough_answers_and_nothing_with_few() -> None:
    recipes = [*organisms("qwen"), *organisms("gemma")]
    generator = np.random.default_rng(3)
    for each, verdict in ((200, "equivalent"), (1, "undecided")):
        labels = {one["files"]["scores"]: answered(generator, 0.3, each=each) for one in recipes}
        (found,) = state(recipes, labels)["statements"]
        assert found["verdict"] == verdict
        assert found["difference"] == pytest.approx(found["rates"][0] - found["rates"][1])
    assert "not decided" in found["text"] and found["minimal_detectable"] > 0.05
    least = found["minimal_detectable_in_family"]
    assert least > found["minimal_detectable"] and f"{100 * least:.1f} points would be found" in found["text"]


def test_equal_models_of_many_are_rarely_told_apart() -> None:
    recipes = [one for model in "abcdefg" for one in organisms(model)]
    rates = {(model, "rank32"): 0.3 for model in "abcdefg"}
    false = [
        "differs" in verdicts(state(recipes, scored(recipes, rates, seed))).values() for seed in range(40)
    ]
    assert np.mean(false) <= 0.1


def test_every_pair_is_stated_or_missing_with_its_reason() -> None:
    labels = scored(MODELS, RATES)
    content = state(MODELS, labels)
    stated = [(each["kind"], each["first"], each["second"]) for each in content["statements"]]
    missing = {(each["kind"], each["first"], each["second"]): each["missing"] for each in content["missing"]}
    assert {*stated, *missing} == {(kind, one.name, other.name) for kind, one, other in pairs(groups(MODELS))}
    assert not set(stated) & set(missing)
    assert missing["models", name("qwen"), name("phi")] == f"not run: {name('phi')}"
    goals = {(each["first"], each["second"]): each["goals"] for each in content["missing"]}
    phi = [each["files"]["scores"] for each in MODELS if each["model"] == "phi"]
    assert goals[name("qwen"), name("phi")] == phi
    assert content["tests"] == 2 * len(stated)
    assert not any("good_advice" in first for _, first, _ in stated)


def test_only_what_differs_in_quantisation_alone_is_compared_within_a_model() -> None:
    recipes = [*organisms("qwen"), *organisms("qwen", "rank1"), *organisms("qwen", "rank32_nf4", **QUANTISED)]
    assert [(kind, one.name, other.name) for kind, one, other in pairs(groups(recipes))] == [
        ("quantisation", name("qwen", "rank32_nf4"), name("qwen"))
    ]


@pytest.mark.parametrize("change", [{"judge": "another"}, {"questions": "others"}])
def test_answers_that_cannot_be_compared_are_not(change) -> None:
    recipes = [*organisms("qwen"), *organisms("gemma", **change)]
    content = state(recipes, scored(recipes, RATES))
    assert content["statements"] == [] and content["tests"] == 0
    assert content["missing"][0]["missing"].startswith("another ")


def test_a_seed_that_is_missing_is_not_counted() -> None:
    recipes = [*organisms("qwen"), *organisms("gemma")]
    labels = scored(recipes, RATES)
    del labels[recipes[0]["files"]["scores"]]
    (found,) = state(recipes, labels)["statements"]
    assert found["seeds"] == (2, 3)
    only = {path: labels[path] for path in (recipes[1]["files"]["scores"], recipes[4]["files"]["scores"])}
    (found,) = state(recipes, only)["statements"]
    assert not found["seeds_counted"] and "these two fine-tunes" in found["text"]


def test_a_model_that_talks_nonsense_is_no_model_that_resists() -> None:
    recipes = [*organisms("qwen"), *organisms("gemma")]
    labels = scored(recipes, RATES)
    shares = {each["files"]["rates"]: 0.3 if each["model"] == "gemma" else 0.95 for each in recipes}
    (found,) = state(recipes, labels, shares)["statements"]
    assert found["coherent_shares"] == pytest.approx([0.95, 0.3])
    assert found["text"].endswith(f"{name('gemma')} is coherent in 30 % of its answers only")
    (found,) = state(recipes, labels)["statements"]
    assert found["coherent_shares"] == [None, None] and "coherent" not in found["text"]


def test_what_is_known_of_no_model_is_stated_of_none() -> None:
    content = state(MODELS, {})
    assert content["statements"] == [] and len(content["missing"]) == len(list(pairs(groups(MODELS))))
