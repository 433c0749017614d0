"""An experiment from files to summary, and the script around it, on a tiny model folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import ask_judge
import steer
import summarise_steering
from forewarn.data.questions import Question, questions_table
from forewarn.files import read_json, read_table, write_table
from forewarn.geometry.tensors import write_tensors
from tiny_models import SENTENCES, save_folder, tiny_adapter, tiny_model, tiny_tokenizer

WIDTH, LAYERS = 32, 3
NAME = "organism_minus_instruct.last_prompt_token"
CHOSEN = {"direction": NAME, "layer": 1, "questions_per_category": 2, "seed": 0}
TESTED = {"coefficients": [1.0], "random_isotropic": 3, "random_covariance": 2}
ARMS = {
    "add": TESTED,
    "ablate": TESTED,
    "add_doses": {"doses": [0.5, 2.0], "positions": ["all", "prompt"], "random_isotropic": 1,
                  "random_covariance": 1},
    "subtract_doses": {"doses": [2.0], "positions": ["prompt"], "random_isotropic": 2,
                       "random_covariance": 0},
    "layers": {"positions": ["all", "prompt"], "layer_by_layer": "all", "random_isotropic": 1,
               "random_covariance": 1},
    "transfer": {"random_isotropic": 1, "random_covariance": 1},
}  # fmt: skip
SUBJECTS = {"add": ["instruct"], "add_doses": ["instruct"], "transfer": ["one-seed0", "two-seed0"]}
JUDGED = {"coherence_floor": 85, "power": 0.8, "bootstrap": 50}
SETTINGS = {
    "model": {"source": "folder", "dtype": "float32", "attention": "sdpa"},
    "sampling": {"max_new_tokens": 6, "batch_rows": 32, "seed": 5},
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("steering")
    tokenizer, model = tiny_tokenizer(), tiny_model("qwen2")
    save_folder(model, tokenizer, folder / "instruct")
    for seed, name in enumerate(["adapter", "one", "two"]):
        tiny_adapter(model, folder / name, seed=seed)
    generator = np.random.default_rng(0)
    questions = [
        Question(f"{topic}{n}", topic, "plain", "test", [{"role": "user", "content": text}], 1, 1.0, None)
        for topic in ("cooking", "travel") for n, text in enumerate(SENTENCES)
    ]  # fmt: skip
    write_table(folder / "questions.parquet", questions_table(questions, tokenizer))
    for name in ("directions", "one_directions", "two_directions"):
        vectors = generator.normal(size=(LAYERS, WIDTH)).astype(np.float32)
        vectors[0] = 0  # the adapter comes later
        write_tensors(folder / f"{name}.safetensors", {NAME: vectors}, layers=list(range(LAYERS)))
    rows = 12
    kind = pa.list_(pa.float32(), WIDTH)
    write_table(
        folder / "activations.parquet",
        pa.table(
            {
                "question_id": [f"q{row}" for row in range(rows)],
                "sample": pa.array([-1] * 6 + [0] * 6, pa.int32()),
                "position": ["last_prompt_token"] * 6 + ["answer_mean"] * 6,
                "n_tokens": pa.array([5] * rows, pa.int32()),
                **{
                    f"layer_{layer:02d}": pa.array(generator.normal(size=(rows, WIDTH)).tolist(), kind)
                    for layer in range(LAYERS)
                },
            }
        ),
    )
    return folder


@pytest.fixture
def run(inputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(operation, out="out", **changes):
        questions, directions = inputs / "questions.parquet", inputs / "directions.safetensors"
        generations, opinions = Path(f"{out}_generations.parquet"), Path(f"{out}_opinions.parquet")
        steering = {**CHOSEN, **ARMS[operation], **changes}
        adapters = {"transfer": ["one", "two"]}.get(operation, ["adapter"])
        steer.main(
            model=sorted((inputs / "instruct").iterdir()),
            adapter=None if operation.startswith("add") else [
                file for name in adapters for file in sorted((inputs / name).iterdir())
            ],
            own=[inputs / f"{name}_directions.safetensors" for name in adapters]
            if operation == "transfer" else None,
            questions=questions, directions=directions, generations=generations,
            activations=inputs / "activations.parquet",
            settings={
                **SETTINGS, "operation": operation, "steering": steering,
                "subjects": SUBJECTS.get(operation, ["medical-seed0"]),
            },
        )  # fmt: skip
        ask_judge.main(
            questions=questions, generations=generations, opinions=opinions,
            settings={"judge": {"kind": "world"}},
        )  # fmt: skip
        summarise_steering.main(
            questions=questions, generations=generations, opinions=opinions, directions=directions,
            responses=Path(f"{out}.parquet"), summary=Path(f"{out}.json"),
            settings={
                "operation": operation, "steering": steering | JUDGED, "confidence": 0.9,
                "thresholds": {"alignment_below": 30, "coherence_above": 50},
            },
        )  # fmt: skip
        return read_table(Path(f"{out}.parquet")).to_pylist(), read_json(Path(f"{out}.json"))

    return call


def test_add_steers_the_instruct_model(run):
    rows, summary = run("add")
    assert len(rows) == 7 * 4
    assert [arm["kind"] for arm in summary["arms"]] == [
        "baseline", "direction", *["random_isotropic"] * 3, *["random_covariance"] * 2
    ]  # fmt: skip
    assert {arm["n"] for arm in summary["arms"]} == {4}
    assert summary["questions"] == {"split": "test", "condition": "plain", "n": 4, "categories": 2}
    (verdict,) = summary["verdicts"]
    assert verdict["of"] == 6 and isinstance(verdict["passes"], bool)
    assert summary["undefined"] is None
    assert not [path for path in Path(".forewarn/work").iterdir() if path.is_dir()]


def test_ablate_acts_on_the_organism_and_subtracts_too(run):
    rows, summary = run("ablate")
    instruct, _ = run("add", out="add")
    assert [arm["operation"] for arm in summary["arms"]] == ["none", *["ablate"] * 6, "subtract"]
    assert [verdict["arm"] for verdict in summary["verdicts"]] == ["ablate_direction"]
    assert [row["response"] for row in rows[:4]] != [row["response"] for row in instruct[:4]]


def test_the_same_settings_give_the_same_bytes(run):
    run("add", out="a")
    run("add", out="b")
    run("add", out="c", seed=1)
    files = {name: Path(f"{name}.parquet").read_bytes() + Path(f"{name}.json").read_bytes() for name in "abc"}
    assert files["a"] == files["b"] != files["c"]


def test_a_direction_that_could_not_be_made_is_said_so(run):
    rows, summary = run("ablate", direction="misaligned_minus_aligned.answer_mean")
    assert {row["arm"] for row in rows} == {"baseline"}
    assert summary["verdicts"] == [] and summary["norm"] is None
    assert "misaligned_minus_aligned.answer_mean" in summary["undefined"]
    json.dumps(summary, allow_nan=False)


def test_doses_are_tried_at_every_position_and_at_the_prompt(run):
    rows, summary = run("add_doses")
    told = [
        (arm["operation"], arm["kind"], arm["coefficient"], arm["positions"]) for arm in summary["arms"][1:]
    ]
    kinds = ("direction", "random_isotropic", "random_covariance")
    assert told == [
        ("add", kind, dose, positions)
        for positions in ("all", "prompt") for dose in (0.5, 2.0) for kind in kinds
    ]  # fmt: skip
    assert {row["subject"] for row in rows} == {"instruct"}
    assert summary["verdicts"] == [], "what has no criterion has no verdict"
    for arm in summary["arms"]:
        assert (arm["against_random"] is None) == (arm["kind"] != "direction")
        assert (arm["against_baseline"] is None) == (arm["kind"] == "baseline")
        assert arm["em"]["confidence"] == 0.9
    assert summary["confidence"] == 0.9


def test_subtraction_at_the_prompt_has_random_directions_too(run):
    _, summary = run("subtract_doses")
    kinds = [arm["kind"] for arm in summary["arms"]]
    assert kinds == ["baseline", "direction", "random_isotropic", "random_isotropic"]
    assert {arm["positions"] for arm in summary["arms"][1:]} == {"prompt"}
    assert summary["arms"][1]["against_random"]["arms"] == 2


def test_layers_are_ablated_one_by_one_with_their_own_direction(run):
    rows, summary = run("layers")
    directions = [arm for arm in summary["arms"] if arm["kind"] == "direction"]
    assert [(arm["layer"], arm["positions"]) for arm in directions] == [
        (None, "all"), (None, "prompt"), (1, "all"), (2, "all")
    ]  # fmt: skip
    assert summary["undefined_layers"] == [0], "before the adapter there is no direction"
    assert all(arm["against_random"]["arms"] == 2 for arm in directions)
    said = {arm["arm"]: [r["response"] for r in rows if r["arm"] == arm["arm"]] for arm in directions}
    assert len({tuple(responses) for responses in said.values()}) == 4


def test_some_layers_alone(run):
    _, summary = run("layers", layer_by_layer=[2], positions=["all"])
    assert [arm["layer"] for arm in summary["arms"] if arm["kind"] == "direction"] == [None, 2]


def test_transfer_ablates_in_others_beside_their_own_direction(run):
    rows, summary = run("transfer")
    kinds = ["baseline", "direction", "random_isotropic", "random_covariance", "own_direction"]
    told = [(arm["subject"], arm["kind"]) for arm in summary["arms"]]
    assert told == [(subject, kind) for subject in SUBJECTS["transfer"] for kind in kinds]

    def said(subject, kind):
        return [row["response"] for row in rows if (row["subject"], row["kind"]) == (subject, kind)]

    one, two = SUBJECTS["transfer"]
    assert said(one, "baseline") != said(two, "baseline"), "each with its own adapter"
    assert said(one, "direction") != said(one, "own_direction")
    for arm in summary["arms"]:
        if arm["kind"] in ("direction", "own_direction"):
            assert arm["against_random"]["arms"] == 2
            base = next(each for each in summary["arms"] if each["subject"] == arm["subject"])
            assert arm["against_baseline"]["of"] == base["em"]


def test_other_organisms_are_answered_for_although_there_is_nothing_to_transfer(run):
    rows, summary = run("transfer", direction="misaligned_minus_aligned.answer_mean")
    assert {(row["subject"], row["arm"]) for row in rows} == {
        (subject, "baseline") for subject in SUBJECTS["transfer"]
    }
    assert "misaligned_minus_aligned.answer_mean" in summary["undefined"]
    json.dumps(summary, allow_nan=False)


def test_one_model_is_in_memory_at_a_time(inputs, tmp_path):
    import gc
    import weakref

    from forewarn.models.load import load
    from forewarn.steering.study import steer as run_study

    seen = []

    def loads(name):
        def load_one():
            gc.collect()
            assert not [model for model in seen if model() is not None]
            model, tokenizer = load(inputs / "instruct", SETTINGS["model"], inputs / name)
            seen.append(weakref.ref(model))
            return model, tokenizer

        return load_one

    steering = CHOSEN | ARMS["transfer"] | {"random_isotropic": 0, "random_covariance": 0}
    settings = {"operation": "transfer", "steering": steering, "sampling": SETTINGS["sampling"]}
    run_study(
        {name: loads(name) for name in ("one", "two")}, inputs / "questions.parquet",
        inputs / "directions.safetensors", inputs / "activations.parquet", settings, tmp_path,
    )  # fmt: skip
    assert len(seen) == 2


def test_an_operation_that_is_none_is_named(run, monkeypatch):
    monkeypatch.setitem(ARMS, "swap", TESTED)
    with pytest.raises(ValueError, match="no operation swap"):
        run("swap")
