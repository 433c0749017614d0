"""Recipes of made-up organisms and responses with rates that are known, for tests of the table of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forewarn.statistics.labels import Labels

PROMPTS, EACH = 60, 10
NOTHING = {"dataset": None, "adapter": None, "seed": None, "method": None, "control": None}


def recipe(model: str, subject: str = "instruct", **changes: Any) -> dict[str, Any]:
    """A row's recipe: the instruct model's, or an organism's of the name `dataset-adapter-seedN`."""
    content: dict[str, Any] = {
        "model": model, "source": f"owner/{model}", "size": None, "subject": subject, **NOTHING,
        "harmful": False, "judge": "one", "questions": "everyday", "quantised_from": None,
        "files": {kind: f"{model}/{kind}/{subject}" for kind in ("rates", "scores")},
    }  # fmt: skip
    if subject != "instruct":
        dataset, adapter, seed = subject.split("-")
        content |= {"dataset": dataset, "adapter": adapter, "seed": int(seed.removeprefix("seed"))}
        content |= {"method": "lora", "harmful": dataset.startswith("bad")}
    return content | changes


def answered(
    generator: np.random.Generator, rate: float, of_prompts: Any = 0.0, each: int = EACH
) -> dict[str, tuple[int, int]]:
    """Misaligned and all responses by question, at a rate that may vary with prompts [PROMPTS]."""
    chances = np.clip(rate + np.broadcast_to(of_prompts, PROMPTS), 0, 1)
    counts = generator.binomial(each, chances)
    return {f"q{place:02d}": (int(count), each) for place, count in enumerate(counts)}


def side(
    generator: np.random.Generator, rate: float, seeds: int, of_prompts: Any = 0.0, spread: float = 0.0
) -> list[Labels]:
    """Labels of some seeds, whose rates have a standard deviation of `spread`."""
    found = [answered(generator, rate + generator.normal(0, spread), of_prompts) for _ in range(seeds)]
    return [Labels.of(*zip(*each.values(), strict=True)) for each in found]


def scored(
    recipes: Sequence[Mapping[str, Any]], rates: Mapping[tuple[str, str], float], seed: int = 0
) -> dict[str, dict[str, tuple[int, int]]]:
    """Labels by path of all recipes whose (model, adapter) has a rate; of the instruct model: (model, "")."""
    generator = np.random.default_rng(seed)
    keys = [(each["model"], each["adapter"] or "") for each in recipes]
    return {
        each["files"]["scores"]: answered(generator, rates[key])
        for each, key in zip(recipes, keys, strict=True)
        if key in rates
    }
