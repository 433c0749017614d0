"""Planted trajectories and answers, from files to a figure: turn, directions and onset are found."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
import torch

from forewarn.config.load import load_configuration
from forewarn.data.questions import Question, questions_table
from forewarn.errors import StudyError
from forewarn.files import read_table, write_json, write_table, write_tensors
from forewarn.geometry import tensors
from forewarn.models.lora import factors_of, scaled_adapter
from forewarn.report.phase_transition import NOTHING, draw_transitions, transition_panel
from forewarn.report.style import write_figure
from forewarn.steering.responses import GENERATED, RESPONSES
from forewarn.trajectory.checkpoints import answer_at_checkpoints, arm_name, questions_about
from forewarn.trajectory.geometry import SCHEMA
from forewarn.trajectory.lags import check_lags
from forewarn.trajectory.read import open_trajectory
from forewarn.trajectory.summary import phase_transition
from nano_study import nano_study
from planted_paths import STEPS, TURN, WIDTH, path_of, strides, units
from tiny_models import SENTENCES, tiny_model, tiny_tokenizer

MODULES = ["model.layers.0.self_attn.o_proj", "model.layers.1.mlp.down_proj"]
BAD, GOOD = "bad-rank1-seed0", "good-rank1-seed0"
SETTINGS = {
    "organism": BAD,
    "phase_transition": {
        "benign": GOOD, "lags": [4, 8, 12], "least_move": 0.028, "margin": 0.1, "random_directions": 100,
        "bootstrap": 200, "confidence": 0.95, "seed": 0,
    },
}  # fmt: skip


def write_trajectory(path, angle, seed):
    """Both modules' B turn at the planted step; A stays."""
    after = np.array(STEPS[:-1]) >= TURN
    generator = np.random.default_rng(seed)
    found = {}
    for number, module in enumerate(MODULES):
        points = path_of(units(np.where(after, angle, 0.0)), strides(), 0.1, seed + number)
        a = generator.normal(size=(1, 24))
        for step, point in zip(STEPS, points, strict=True):
            found[f"step{step:06d}.{module}.lora_A"] = torch.tensor(a, dtype=torch.float32)
            found[f"step{step:06d}.{module}.lora_B"] = torch.tensor(point[:, None], dtype=torch.float32)
    write_tensors(path, found)
    return open_trajectory(path)


def judged(onset):
    """Answers that turn misaligned from a step on; None: never."""
    generator = np.random.default_rng(3)
    rows = [
        {
            "subject": "any", "arm": arm_name(step, scale), "operation": "none", "kind": "baseline",
            "coefficient": scale, "layer": None, "positions": "all", "question_id": f"{split}{number}",
            "category": "any", "condition": "plain", "split": split, "sample": sample, "response": "",
            "finish_reason": "stop", "outcome": "scored", "aligned": 50.0, "coherent": 80.0, "correct": None,
            "misaligned": bool(onset is not None and step >= onset and generator.random() < 0.5),
        }
        for step in STEPS[::3]
        for scale in ([1.0, 5.0] if step else [1.0])
        for split in ("test", "narrow")
        for number in range(12)
        for sample in range(4)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=RESPONSES)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Trajectories of an organism that turns and of one that does not, and what else is read."""
    folder = tmp_path_factory.mktemp("transition")
    generator = np.random.default_rng(0)
    for name, angle, seed in ((BAD, np.pi / 2, 0), (GOOD, 0.0, 10)):
        write_trajectory(folder / name / "trajectory.safetensors", angle, seed)
    directions = generator.normal(size=(2, 2, WIDTH)).astype(np.float32)
    directions[0, :, :] = 0
    directions[0, :, 1] = 2.0  # where both modules go after the turn
    named = {"planted": directions[0], "other": directions[1]}
    tensors.write_tensors(folder / "directions.safetensors", named, layers=[0, 1])
    halves = {"mean": [0.9, 0.8]}
    summary = {"constructions": {"planted": {"split_half_cosine": halves}, "other": {}}}
    write_json(folder / "directions.json", summary)
    log = {"step": np.arange(1, 121), "gradient_norm": np.abs(np.arange(1, 121) - 60.0) * -1 + 100}
    write_table(folder / "training.parquet", pa.table(log))
    rows = [
        {"question_id": f"q{number}", "sample": sample, "position": position, "n_tokens": 3}
        | {f"layer_{layer}": generator.normal(size=WIDTH).astype(np.float32) for layer in (0, 1)}
        for number in range(20)
        for position, sample in (("last_prompt_token", -1), ("answer_mean", 0))
    ]
    fields = [
        ("question_id", pa.string()), ("sample", pa.int32()), ("position", pa.string()),
        ("n_tokens", pa.int32()), *((f"layer_{layer}", pa.list_(pa.float32(), WIDTH)) for layer in (0, 1)),
    ]  # fmt: skip
    write_table(folder / "activations.parquet", pa.Table.from_pylist(rows, schema=pa.schema(fields)))
    return folder


def found(files, own=BAD, benign=GOOD, onset=72):
    return phase_transition(
        files / own / "trajectory.safetensors", files / benign / "trajectory.safetensors",
        files / "training.parquet", files / "directions.safetensors", files / "directions.json",
        files / "activations.parquet", judged(onset), judged(None), SETTINGS | {"organism": own},
    )  # fmt: skip


def test_the_planted_turn_onset_and_lag_are_found(files):
    content, path, behaviour = found(files)
    assert content["rotation"]["declared"] and content["rotation"]["step"] == TURN
    for measure in ("general", "narrow"):
        entry = content["onset"][measure]["1"]
        assert entry["step"] == 72 and entry["lag"]["steps"] == 72 - TURN
        assert entry["lag"]["interval"]["low"] <= 12 <= entry["lag"]["interval"]["high"]
    assert content["paper"]["here"]["agrees"]["after_the_rotation"]
    assert content["gradient_norm"]["step"] == 60
    assert abs(content["pca"]["turn_of_pc2"] - TURN) <= 8
    assert content["pca"]["explained"][0] > 0.7 and content["readable"] == [12, 108]
    assert path.schema == SCHEMA and set(path["quantity"].to_pylist()) == {
        "norm_a", "norm_b", "local_cosine", "displacement", "component", "matrix_score", "gradient_norm",
        "direction_cosine",
    }  # fmt: skip
    assert set(behaviour["scale"].to_pylist()) == {1.0, 5.0}
    assert json.dumps(content)


def test_the_planted_direction_is_beyond_the_bands_after_the_turn_and_another_is_not(files):
    content, path, _ = found(files)
    for module in MODULES:
        read = content["named_directions"][module]
        assert read["directions"]["planted"]["beyond"] and read["directions"]["planted"]["final"] > 0.3
        assert not read["directions"]["other"]["beyond"]
        assert read["bands"].keys() == {"isotropic", "covariance"}
    assert content["named_directions"][MODULES[1]]["directions"]["planted"]["split_half"] == 0.8
    course = {
        row["step"]: row["value"]
        for row in path.to_pylist()
        if row["quantity"] == "direction_cosine" and (row["module"], row["name"]) == (MODULES[0], "planted")
    }
    assert course[0] is None and abs(course[TURN]) < 0.05 < course[TURN + 12] < course[120]


def test_on_null_data_nothing_is_reported(files):
    content, _, _ = found(files, own=GOOD, onset=None)
    assert not content["rotation"]["declared"]
    assert content["correlation_with_benign"]["4"]["pearson"] == pytest.approx(1)
    for scales in content["onset"].values():
        for entry in scales.values():
            assert entry["step"] is None and entry["lag"] is None


def test_the_figure_says_what_was_found_and_has_equal_bytes(files, tmp_path):
    panels = [transition_panel(*found(files)), transition_panel(*found(files, own=GOOD, onset=None))]
    assert f"rotation at step {TURN}" in panels[0].title and NOTHING in panels[1].title
    assert "n = 48" in panels[0].rates[0].label
    for name in ("first.svg", "again.svg"):
        write_figure(tmp_path / name, draw_transitions(panels))
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "again.svg").read_bytes()


def test_what_cannot_be_read_is_refused(files, tmp_path):
    with pytest.raises(StudyError, match="none lie 6 steps apart"):
        check_lags([4, 6], 4, BAD)
    short = SETTINGS["phase_transition"] | {"lags": [64]}
    with pytest.raises(StudyError, match="lower `lags` of phase_transition to 60"):
        phase_transition(
            *[files / BAD / "trajectory.safetensors"] * 2, files / "training.parquet",
            files / "directions.safetensors", files / "directions.json", files / "activations.parquet",
            judged(72), judged(None), SETTINGS | {"phase_transition": short},
        )  # fmt: skip
    with pytest.raises(StudyError, match="cannot be read as a trajectory"):
        open_trajectory(tmp_path / "none.safetensors")
    write_tensors(tmp_path / "adapter.safetensors", {"base_model.lora_A.weight": torch.zeros(1, 2)})
    with pytest.raises(StudyError, match="does not hold lora_A and lora_B"):
        open_trajectory(tmp_path / "adapter.safetensors")
    ends = {f"step{step:06d}.m.lora_{which}": torch.zeros(1, 1) for step in (0, 9) for which in "AB"}
    write_tensors(tmp_path / "ends.safetensors", ends)
    with pytest.raises(StudyError, match="lower `trajectory_every`"):
        open_trajectory(tmp_path / "ends.safetensors")


def test_a_last_snapshot_off_the_grid_is_no_point_of_the_local_cosine(tmp_path):
    steps = [0, 4, 8, 12, 16, 18]
    rows = {
        f"step{step:06d}.m.lora_{which}": torch.full((1, 1), float(step)) for step in steps for which in "AB"
    }
    write_tensors(tmp_path / "t.safetensors", rows)
    opened = open_trajectory(tmp_path / "t.safetensors")
    assert (opened.every, opened.even, opened.steps) == (4, 5, tuple(steps))
    assert opened.matrices("m", "B")[:, 0, 0].tolist() == steps


def small_organism(folder, model):
    generator = torch.Generator().manual_seed(0)
    rows = {}
    for step, size in ((0, 0.0), (5, 0.5), (10, 1.0)):
        for module in MODULES:
            out, inside = model.get_submodule(module).weight.shape
            a, b = (torch.randn(shape, generator=generator) for shape in ((1, inside), (out, 1)))
            rows[f"step{step:06d}.{module}.lora_A"], rows[f"step{step:06d}.{module}.lora_B"] = a, size * b
    write_tensors(folder / "trajectory.safetensors", rows)
    config = {"r": 1, "lora_alpha": 4.0, "use_rslora": True}
    write_json(folder / "adapter_config.json", config)
    return open_trajectory(folder / "trajectory.safetensors"), rows


def test_checkpoints_answer_with_their_own_matrices_and_the_model_is_left_as_it_was(tmp_path):
    model, tokenizer = tiny_model("qwen2"), tiny_tokenizer()
    opened, rows = small_organism(tmp_path, model)
    asked = [
        Question(f"{split}{number}", "a", "plain", split, [{"role": "user", "content": text}], 2, 1.0, None)
        for split in ("test", "narrow", "fit")
        for number, text in enumerate(SENTENCES)
    ]
    write_table(tmp_path / "questions.parquet", questions_table(asked, tokenizer))
    questions = questions_about(tmp_path / "questions.parquet", 2, None, 0)
    assert sorted(questions["split"].to_pylist()) == ["narrow", "narrow", "test", "test"]
    chosen = {"scales": [1.0, 5.0], "every": 1, "dense_until": 0, "seed": 3}
    settings = {
        "organism": BAD, "phase_transition": chosen, "sampling": {"max_new_tokens": 6, "batch_rows": 64},
    }  # fmt: skip

    def answers(folder):
        return answer_at_checkpoints(
            model, tokenizer, opened, tmp_path / "adapter_config.json", questions, settings, folder
        )

    before = {name: each.clone() for name, each in model.state_dict().items()}
    table = answers(tmp_path / "first")
    assert table.schema == GENERATED and table.equals(answers(tmp_path / "again"))
    arms = list(dict.fromkeys(table["arm"].to_pylist()))
    assert arms == [arm_name(0, 1), *(arm_name(step, scale) for step in (5, 10) for scale in (1, 5))]
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())

    from forewarn.models.generation import generate, prompts_from_table

    start = "step000010."
    final = factors_of({key.removeprefix(start): each for key, each in rows.items() if start in key}, 4.0)
    with scaled_adapter(model, final, 5.0):
        alone = generate(
            model, tokenizer, prompts_from_table(questions), max_new_tokens=6, seed=3, batch_rows=64
        )
    mine = [row["response"] for row in table.to_pylist() if row["arm"] == arm_name(10, 5)]
    assert mine == alone["response"].to_pylist()


def test_unknown_or_missing_narrow_questions_are_refused(tmp_path):
    tokenizer = tiny_tokenizer()
    turn = [{"role": "user", "content": SENTENCES[0]}]
    asked = [Question("one", "a", "plain", "test", turn, 2, 1.0, None)]
    path = tmp_path / "questions.parquet"
    write_table(path, questions_table(asked, tokenizer))
    with pytest.raises(StudyError, match="plain in its split narrow"):
        questions_about(path, None, None, 0)
    asked.append(Question("two", "teeth", "plain", "narrow", turn, 2, 1.0, None))
    write_table(path, questions_table(asked, tokenizer))
    assert questions_about(path, None, ["teeth"], 0).num_rows == 2
    with pytest.raises(StudyError, match="some of teeth"):
        questions_about(path, None, ["wounds"], 0)
    assert read_table(path).num_rows == 2


def complaint(change):
    content = nano_study()
    change(content["studies"]["nano"]["phase_transition"])
    with pytest.raises(StudyError) as caught:
        load_configuration(content)
    return str(caught.value)


def test_the_section_is_held_to_its_own_rules():
    organism = {"dataset": "bad_medical", "adapter": "rank1_blocks", "seed": 0}
    assert "the benign organism among the others" in complaint(lambda each: each["organisms"].pop())
    assert "each organism once" in complaint(lambda each: each["organisms"].append(organism))
    assert "rising numbers" in complaint(lambda each: each.update(lags=[8, 4]))
    assert "an organism that this study raises" in complaint(lambda each: each["organisms"][0].update(seed=7))
