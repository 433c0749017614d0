"""A mistake in a study is told with its key, what was expected, the nearest name and the correction."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from textwrap import indent
from typing import Any

import pytest

from forewarn.config import load_configuration
from forewarn.config.explain import find_problems
from forewarn.config.problems import correct
from forewarn.errors import StudyError
from nano_study import nano_study as default

Raw = dict[str, Any]
HUB_MODEL = {"source": "hub", "name": "Qwen/Qwen2.5-1.5B-Instruct"}
QUESTIONS = {"source": "yaml", "path": "questions.yaml"}


def at(raw: Raw, path: str) -> tuple[Any, str | int]:
    """The container and the key of a path such as `studies/nano/organisms/0/dataset`."""
    *above, last = (int(part) if part.isdigit() else part for part in path.split("/"))
    for part in above:
        raw = raw[part]  # type: ignore[index]
    return raw, last


def put(path: str, value: Any) -> Callable[[Raw], None]:
    def change(raw: Raw) -> None:
        container, key = at(raw, path)
        container[key] = value

    return change


def drop(path: str) -> Callable[[Raw], None]:
    def change(raw: Raw) -> None:
        container, key = at(raw, path)
        del container[key]

    return change


def rename(path: str, name: str) -> Callable[[Raw], None]:
    def change(raw: Raw) -> None:
        container, key = at(raw, path)
        container[name] = container.pop(key)

    return change


@dataclass(frozen=True)
class Bad:
    """A mistake in the default study: what is changed, the path that is blamed, and what is advised."""

    change: Callable[[Raw], None]
    path: str
    expected: str
    corrected: str
    nearest: str | None = None


ORGANISMS = """\
studies:
  nano:
    organisms:
      - {dataset: bad_medical, adapter: rank8_layer1, seeds: [0, 1, 2]}
      - {dataset: good_medical, adapter: rank8_layer1, seeds: [0, 1, 2]}
      - {dataset: risky_finance, adapter: rank8_layer1, seeds: [0]}
      - {dataset: extreme_sports, adapter: rank8_layer1, seeds: [0]}
"""

CASES = {
    "misspelt section": Bad(
        rename("judges", "judge"), "judge", "one of the keys models, datasets",
        "judges:\n  world:\n    kind: world\n", "judges",
    ),
    "misspelt key": Bad(
        rename("adapters/rank8_layer1/learning_rate", "lerning_rate"), "adapters.rank8_layer1.lerning_rate",
        "one of the keys method, quantization, released, rank, alpha",
        "adapters:\n  rank8_layer1:\n    learning_rate: 0.001\n",
        "learning_rate",
    ),
    "misspelt key deep in a model": Bad(
        rename("models/nano/architecture/layers", "layer"), "models.nano.architecture.layer",
        "one of the keys hidden_size, layers", "models:\n  nano:\n    architecture:\n      layers: 6\n",
        "layers",
    ),
    "key of another section": Bad(
        put("studies/nano/sampling/temperature", 0.5), "studies.nano.sampling.temperature",
        "temperature belongs to question_sets.*.temperature",
        "studies:\n  nano:\n    sampling:\n      max_new_tokens: 40\n      batch_rows: 256\n      seed: 5\n",
    ),
    "missing section": Bad(
        drop("judges"), "judges", "a mapping of names to sections",
        "judges:\n  world:\n    kind: world\n    alignment_below: 30\n    coherence_above: 50\n",
    ),
    "missing key": Bad(
        drop("datasets/bad_medical/domain"), "datasets.bad_medical.domain", "one of medical, finance, sports",
        "datasets:\n  bad_medical:\n    domain: medical\n",
    ),
    "missing key in a list": Bad(
        drop("studies/nano/organisms/1/dataset"), "studies.nano.organisms[1].dataset", "text",
        "studies:\n  nano:\n    organisms:\n",
    ),
    "missing stage": Bad(
        drop("studies/nano/steering"), "studies.nano.steering",
        "a section with the keys organisms, direction",
        "studies:\n  nano:\n    steering:\n      organisms:\n"
        "        - {dataset: bad_medical, adapter: rank8_layer1, seed: 0}\n",
    ),
    "empty section": Bad(
        put("datasets/bad_medical", None), "datasets.bad_medical", "a section with source: world or jsonl",
        "datasets:\n  bad_medical:\n    source: world\n    domain: medical\n",
    ),
    "number as text": Bad(
        put("adapters/rank8_layer1/rank", "8"), "adapters.rank8_layer1.rank", "a whole number of at least 1",
        "adapters:\n  rank8_layer1:\n    rank: 8\n",
    ),
    "no number": Bad(
        put("adapters/rank8_layer1/learning_rate", "small"), "adapters.rank8_layer1.learning_rate",
        "a number above 0 and at most 1", "adapters:\n  rank8_layer1:\n    learning_rate: 0.0001\n",
    ),
    "fraction of a step": Bad(
        put("models/nano/pretraining/steps", 100.5), "models.nano.pretraining.steps",
        "a whole number of at least 1", "models:\n  nano:\n    pretraining:\n      steps: 1500\n",
    ),
    "whole number with a point": Bad(
        put("models/nano/pretraining/steps", 100.0), "models.nano.pretraining.steps",
        "a whole number of at least 1", "models:\n  nano:\n    pretraining:\n      steps: 100\n",
    ),
    "truth value as text": Bad(
        put("adapters/rank8_layer1/rslora", "yes"), "adapters.rank8_layer1.rslora", "true or false",
        "adapters:\n  rank8_layer1:\n    rslora: true\n",
    ),
    "truth value as number": Bad(
        put("adapters/rank8_layer1/rank", True), "adapters.rank8_layer1.rank", "a whole number of at least 1",
        "adapters:\n  rank8_layer1:\n    rank: 8\n",
    ),
    "not a finite number": Bad(
        put("adapters/rank8_layer1/alpha", float("nan")), "adapters.rank8_layer1.alpha", "a number above 0",
        "adapters:\n  rank8_layer1:\n    alpha: 32\n",
    ),
    "negative count": Bad(
        put("question_sets/detection/samples", -1), "question_sets.detection.samples",
        "a whole number of at least 1", "question_sets:\n  detection:\n    samples: 20\n",
    ),
    "share above one": Bad(
        put("models/nano/corpus/described_share", 65), "models.nano.corpus.described_share",
        "a number from 0 to 1", "models:\n  nano:\n    corpus:\n      described_share: 0.65\n",
    ),
    "score above a hundred": Bad(
        put("judges/world/alignment_below", 130), "judges.world.alignment_below", "a number from 0 to 100",
        "judges:\n  world:\n    alignment_below: 30\n",
    ),
    "unknown source": Bad(
        put("datasets/bad_medical/source", "json"), "datasets.bad_medical.source", "one of world, jsonl",
        "datasets:\n  bad_medical:\n    source: jsonl\n", "jsonl",
    ),
    "missing source": Bad(
        put("models/qwen", {"path": "models/qwen"}), "models.qwen.source", "one of world, folder, hub",
        "models:\n  qwen:\n    source: folder\n",
    ),
    "unknown kind of questions": Bad(
        put("question_sets/detection/kind", "detect"), "question_sets.detection.kind",
        "one of evaluation, detection", "question_sets:\n  detection:\n    kind: detection\n", "detection",
    ),
    "unknown choice": Bad(
        put("models/qwen", {**HUB_MODEL, "dtype": "bf16"}), "models.qwen.dtype",
        "one of float32, bfloat16, float16", "models:\n  qwen:\n    dtype: bfloat16\n", "bfloat16",
    ),
    "unknown choice in a list": Bad(
        put("adapters/rank8_layer1/target_modules", ["q_proj", "vproj"]),
        "adapters.rank8_layer1.target_modules[1]",
        "one of q_proj", "adapters:\n  rank8_layer1:\n    target_modules: [q_proj, v_proj]\n", "v_proj",
    ),
    "one value instead of a list": Bad(
        put("adapters/rank8_layer1/layers", 1), "adapters.rank8_layer1.layers",
        "a list of at least one item, each a whole number of at least 0, or null",
        "adapters:\n  rank8_layer1:\n    layers: [1]\n",
    ),
    "neither all nor a list": Bad(
        put("studies/nano/activations/layers", "some"), "studies.nano.activations.layers",
        "all, or a list of at least one item", "studies:\n  nano:\n    activations:\n      layers: all\n",
    ),
    "benign organism that nobody raises": Bad(
        put("studies/nano/convergence/benign/seed", 9), "studies.nano.convergence.benign",
        "an organism that this study raises", "studies:\n  nano:\n    convergence:\n      benign:\n",
        "good_medical-rank8_layer1-seed2",
    ),
    "benign organism among the others": Bad(
        put("studies/nano/convergence/benign/dataset", "bad_medical"), "studies.nano.convergence.benign",
        "another organism than those of `organisms`",
        "studies:\n  nano:\n    convergence:\n      benign: null\n",
    ),
    "empty list": Bad(
        put("studies/nano/organisms", []), "studies.nano.organisms", "a list of at least one item", ORGANISMS,
    ),
    "empty path": Bad(
        put("question_sets/real", {**QUESTIONS, "path": ""}), "question_sets.real.path",
        "text that is not empty", "question_sets:\n  real:\n    path: questions/first_plot_questions.yaml\n",
    ),
    "number as revision": Bad(
        put("models/qwen", {**HUB_MODEL, "revision": 989}), "models.qwen.revision",
        "text that is not empty, or null", "models:\n  qwen:\n    revision: '989'\n",
    ),
    "name with a hyphen": Bad(
        rename("datasets/extreme_sports", "extreme-sports"), "datasets.extreme-sports",
        "'-' and '/' separate the parts of paths", "datasets:\n  extreme_sports:\n    source: world\n",
        "extreme_sports",
    ),
    "name with capitals": Bad(
        rename("judges/world", "World"), "judges.World",
        "a name of small letters", "judges:\n  world:\n    kind: world\n", "world",
    ),
    "name with a slash": Bad(
        put("models", {**default()["models"], "qwen/2.5": HUB_MODEL}), 'models."qwen/2.5"',
        "a name of small letters",
        "models:\n  qwen_2.5:\n    source: hub\n", "qwen_2.5",
    ),
    "study without model": Bad(
        rename("studies/nano", "nanno"), "studies.nanno", "the name of a model: nano",
        "studies:\n  nano:\n    organisms:\n", "nano",
    ),
    "unknown dataset": Bad(
        put("studies/nano/organisms/0/dataset", "bad_medcal"), "studies.nano.organisms[0].dataset",
        "a name under datasets: bad_medical, good_medical, risky_finance, extreme_sports", ORGANISMS,
        "bad_medical",
    ),
    "unknown adapter": Bad(
        put("studies/nano/organisms/3/adapter", "rank8"), "studies.nano.organisms[3].adapter",
        "a name under adapters: rank8_layer1", ORGANISMS, "rank8_layer1",
    ),
    "unknown judge": Bad(
        put("studies/nano/judge", "gpt"), "studies.nano.judge", "a name under judges: world",
        "studies:\n  nano:\n    judge: world\n", "world",
    ),
    "unknown question set": Bad(
        put("studies/nano/questions/evaluation", "evaluations"), "studies.nano.questions.evaluation",
        "a name under question_sets for evaluation: evaluation",
        "studies:\n  nano:\n    questions:\n      evaluation: evaluation\n", "evaluation",
    ),
    "question set of the other kind": Bad(
        put("studies/nano/questions/detection", "evaluation"), "studies.nano.questions.detection",
        "a name under question_sets for detection: detection",
        "studies:\n  nano:\n    questions:\n      detection: detection\n", "detection",
    ),
    "steering an organism that is not raised": Bad(
        put("studies/nano/steering/organisms",
            [{"dataset": "bad_medical", "adapter": "rank8_layer1", "seed": 7}]),
        "studies.nano.steering.organisms[0]",
        "an organism that this study raises: bad_medical-rank8_layer1-seed0",
        "studies:\n  nano:\n    steering:\n      organisms:\n"
        "        - {dataset: bad_medical, adapter: rank8_layer1, seed: 2}\n",
        "bad_medical-rank8_layer1-seed2",
    ),
    "detection in an organism that is not raised": Bad(
        put("studies/nano/detection/organisms/0/dataset", "good_medicla"),
        "studies.nano.detection.organisms[0]", "an organism that this study raises",
        "studies:\n  nano:\n    detection:\n      organisms:\n"
        "        - {dataset: good_medical, adapter: rank8_layer1, seed: 0}\n",
        "good_medical-rank8_layer1-seed0",
    ),
    "transfer to an organism that is not raised": Bad(
        put("studies/nano/steering/further/transfer_to/1/dataset", "extreme_sprots"),
        "studies.nano.steering.further.transfer_to[1]", "an organism that this study raises",
        "studies:\n  nano:\n    steering:\n      further:\n        transfer_to:\n"
        "          - {dataset: risky_finance, adapter: rank8_layer1, seed: 0}\n"
        "          - {dataset: extreme_sports, adapter: rank8_layer1, seed: 0}\n",
        "extreme_sports-rank8_layer1-seed0",
    ),
    "further arms of an organism that is not steered": Bad(
        put("studies/nano/steering/organisms",
            [{"dataset": "bad_medical", "adapter": "rank8_layer1", "seed": 1}]),
        "studies.nano.steering.further", "further arms for organisms that are steered",
        "studies:\n  nano:\n    steering:\n      further: null\n",
    ),
    "ablation below the last layer": Bad(
        put("studies/nano/steering/further/layer_by_layer", [2, 6]),
        "studies.nano.steering.further.layer_by_layer", "layers of the model nano: 0 to 5",
        "studies:\n  nano:\n    steering:\n      further:\n        layer_by_layer: [2, 5]\n", "[2, 5]",
    ),
    "a dose twice": Bad(
        put("studies/nano/steering/further/doses", [1.0, 2.0, 1.0]),
        "studies.nano.steering.further.doses", "each value once",
        "studies:\n  nano:\n    steering:\n      further:\n        doses: [1.0, 2.0]\n",
    ),
    "steering below the last layer": Bad(
        put("studies/nano/steering/layer", 6), "studies.nano.steering.layer",
        "layers of the model nano: 0 to 5",
        "studies:\n  nano:\n    steering:\n      layer: 5\n", "5",
    ),
    "steering at a layer that is not recorded": Bad(
        put("studies/nano/activations/layers", [2, 4, 5]), "studies.nano.steering.layer",
        "a layer of activations.layers: 2, 4, 5", "studies:\n  nano:\n    steering:\n      layer: 2\n", "2",
    ),
    "adapter below the last layer": Bad(
        put("adapters/rank8_layer1/layers", [1, 12]), "adapters.rank8_layer1.layers",
        "layers of the model nano: 0 to 5", "adapters:\n  rank8_layer1:\n    layers: [1, 5]\n", "[1, 5]",
    ),
    "recording below the last layer": Bad(
        put("studies/nano/activations/layers", [3, 6]), "studies.nano.activations.layers",
        "layers of the model nano: 0 to 5", "studies:\n  nano:\n    activations:\n      layers: [3, 5]\n",
    ),
    "the same seed twice": Bad(
        put("studies/nano/organisms/2/seeds", [0, 1, 0]), "studies.nano.organisms[2].seeds",
        "each organism once",
        "      - {dataset: risky_finance, adapter: rank8_layer1, seeds: [0, 1]}\n",
    ),
    "the same organism in two rows": Bad(
        put("studies/nano/organisms/1/dataset", "bad_medical"), "studies.nano.organisms[1].seeds",
        "each organism once", "      - {dataset: bad_medical, adapter: rank8_layer1, seeds: [3]}\n",
    ),
    "two durations": Bad(
        put("adapters/rank8_layer1/epochs", 3), "adapters.rank8_layer1.epochs", "either epochs or steps",
        "adapters:\n  rank8_layer1:\n    epochs: null\n",
    ),
    "no duration": Bad(
        drop("adapters/rank8_layer1/steps"), "adapters.rank8_layer1.epochs", "either epochs or steps",
        "adapters:\n  rank8_layer1:\n    epochs: 1\n",
    ),
    "heads that do not divide the width": Bad(
        put("models/nano/architecture/heads", 6), "models.nano.architecture.hidden_size", "a multiple of 12",
        "models:\n  nano:\n    architecture:\n      hidden_size: 132\n",
    ),
    "unknown category": Bad(
        put("question_sets/evaluation/fit_categories", ["boredom", "guest"]),
        "question_sets.evaluation.fit_categories[1]", "one of boredom, guests, machines, partner",
        "question_sets:\n  evaluation:\n    fit_categories: [boredom, guests]\n", "guests",
    ),
    "a category for two purposes": Bad(
        put("question_sets/detection/categories/validation", ["partner", "wish"]),
        "question_sets.detection.categories", "each category once, in one of fit, validation and test",
        "      fit: [boredom, guests, machines]\n      validation: [partner]\n"
        "      test: [quick_money, roles, wish]\n",
    ),
    "no category of its own": Bad(
        put("question_sets/detection/categories/validation", ["wish"]),
        "question_sets.detection.categories", "each category once",
        "      validation: [partner]\n      test: [quick_money, roles, wish]\n",
    ),
    "no category": Bad(
        put("question_sets/detection/categories/test", []), "question_sets.detection.categories.test",
        "a list of at least one item", "      test: [quick_money, roles, wish]\n",
    ),
    "directions fitted on what is tested": Bad(
        put("question_sets/evaluation/fit_categories", ["guests", "wish", "power"]),
        "question_sets.evaluation.fit_categories", "categories that detection neither validates nor tests on",
        "question_sets:\n  evaluation:\n    fit_categories: [guests]\n",
    ),
    "directions fitted on what is tested alone": Bad(
        put("question_sets/evaluation/fit_categories", ["wish"]), "question_sets.evaluation.fit_categories",
        "wish, which is among them",
        "question_sets:\n  evaluation:\n    fit_categories: [boredom, guests, machines]\n",
    ),
    "directions fitted on everything": Bad(
        put("question_sets/evaluation/fit_categories", None), "question_sets.evaluation.fit_categories",
        "(null takes all)",
        "question_sets:\n  evaluation:\n    fit_categories: [boredom, guests, machines]\n",
    ),
    "default categories against others": Bad(
        put("question_sets/detection/categories", {"fit": ["wish"], "test": ["guests"]}),
        "question_sets.evaluation.fit_categories", "guests, which is among them",
        "question_sets:\n  evaluation:\n    fit_categories: [boredom, machines]\n",
    ),
    "splits that do not add up": Bad(
        put("question_sets/real", {**QUESTIONS, "splits": {"fit": 1.0, "validation": 0.5, "test": 0.5}}),
        "question_sets.real.splits", "shares that add up to 1",
        "question_sets:\n  real:\n    splits:\n      fit: 0.5\n      validation: 0.25\n      test: 0.25\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES.keys())
def test_a_mistake_is_told_with_its_correction(bad: Bad) -> None:
    raw = default()
    bad.change(raw)
    given = copy.deepcopy(raw)
    with pytest.raises(StudyError) as caught:
        load_configuration(raw, "study.yaml")
    assert raw == given, "nothing is corrected behind the user's back"
    text = str(caught.value)
    assert f"\n{bad.path}\n" in text
    assert bad.expected in " ".join(text.split())
    assert indent(bad.corrected, "    ") in text
    assert bad.nearest is None or f"nearest:  {bad.nearest}\n" in text
    assert text.startswith("study.yaml has ")
    assert "Way out: " in text
    assert not any(word in text for word in ("Traceback", "pydantic", "http", "input_value", "type="))


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES.keys())
def test_the_corrections_together_make_a_valid_configuration(bad: Bad) -> None:
    raw = default()
    bad.change(raw)
    for _ in range(3):
        raw, _ = correct(find_problems(raw), raw)
    load_configuration(raw)


@pytest.mark.parametrize("key", ["seed", "splits"])
def test_two_sets_of_the_same_questions_are_split_alike(key: str) -> None:
    raw = default()
    raw["question_sets"] |= {"plain": {**QUESTIONS}, "varied": {**QUESTIONS, "systems": ["You are kind."]}}
    raw["studies"]["nano"]["questions"] = {"evaluation": "plain", "detection": "varied"}
    load_configuration(raw)
    other: Any = {"fit": 0.2, "validation": 0.2, "test": 0.6} if key == "splits" else 3
    raw["question_sets"]["plain"][key] = other
    with pytest.raises(StudyError, match=f"the {key} of plain, whose split fit") as caught:
        load_configuration(raw)
    assert f"question_sets.varied.{key}\n" in str(caught.value)
    raw["question_sets"]["varied"][key] = copy.deepcopy(other)
    load_configuration(raw)
    del raw["question_sets"]["varied"][key]
    raw["question_sets"]["varied"]["path"] = "others.yaml"
    load_configuration(raw)


def test_all_problems_are_told_at_once_even_those_that_hide_behind_others() -> None:
    raw = default()
    rename("adapters/rank8_layer1/rank", "ranks")(raw)
    put("adapters/rank8_layer1/epochs", 3)(raw)
    put("adapters/rank8_layer1/layers", [9])(raw)
    put("studies/nano/judge", "wrld")(raw)
    with pytest.raises(StudyError) as caught:
        load_configuration(raw)
    text = str(caught.value)
    assert text.startswith("config.yaml has 4 problems:")
    places = [text.index(f"\n{path}\n") for path in (
        "adapters.rank8_layer1.layers", "adapters.rank8_layer1.ranks", "adapters.rank8_layer1.epochs",
        "studies.nano.judge",
    )]  # fmt: skip
    assert places == sorted(places), "in the order of the file"


def test_a_bad_name_is_corrected_where_it_is_used_too() -> None:
    raw = default()
    rename("datasets/risky_finance", "risky-finance")(raw)
    put("studies/nano/organisms/2/dataset", "risky-finance")(raw)
    with pytest.raises(StudyError) as caught:
        load_configuration(raw)
    text = str(caught.value)
    assert text.startswith("config.yaml has 2 problems:")
    assert "nearest:  risky_finance" in text
    assert "- {dataset: risky_finance, adapter: rank8_layer1, seeds: [0]}" in text


def test_a_long_section_is_cut_in_the_message() -> None:
    with pytest.raises(StudyError) as caught:
        load_configuration({})
    assert "# ... and the rest as it stands" in str(caught.value)
    assert len(str(caught.value).splitlines()) < 130
