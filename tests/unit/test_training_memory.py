"""Ways to train that real models need: less memory than there should be, 4-bit weights, all weights."""

from __future__ import annotations

import pytest
import torch
from datasets import Dataset

from forewarn.errors import StudyError
from forewarn.models.load import load_model
from forewarn.models.save import save_weights
from forewarn.training.examples import IGNORED
from forewarn.training.finetune import finetune, finetune_all
from forewarn.training.trainer import fitting_rows
from tiny_models import save_folder, tiny_model, tiny_tokenizer

RECIPE = {
    "rank": 4, "alpha": 8, "rslora": True, "dropout": 0.0, "target_modules": ["q_proj", "down_proj"],
    "layers": [1], "learning_rate": 0.01, "schedule": "linear", "warmup_steps": 1, "epochs": None,
    "steps": 30, "batch_size": 8, "gradient_accumulation": 1, "weight_decay": 0.0, "trajectory_every": 10,
}  # fmt: skip
FULL = RECIPE | {"steps": 6, "learning_rate": 0.001}
MODEL_FILES = ["config.json", "generation_config.json", "model.safetensors"]


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


def rows(count, seed):
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randint(3, 300, (12 + row % 5,), generator=generator).tolist() for row in range(count)]
    return Dataset.from_dict({"input_ids": drawn, "labels": [[IGNORED] * 5 + row[5:] for row in drawn]})


@pytest.fixture
def room(monkeypatch):
    """Let a forward pass of more rows than the returned setting allows run out of memory, as a GPU would."""
    from transformers import Qwen2Model

    allowed = {"rows": 8, "from_pass": 0, "passes": 0}
    forward = Qwen2Model.forward

    def narrow(self, input_ids=None, **kwargs):
        allowed["passes"] += 1
        if len(input_ids) > allowed["rows"] and allowed["passes"] > allowed["from_pass"]:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, input_ids=input_ids, **kwargs)

    monkeypatch.setattr(Qwen2Model, "forward", narrow)
    return allowed


def train(tokenizer, folder, recipe=RECIPE, **options):
    folder.mkdir(exist_ok=True)
    model = tiny_model("qwen2", initializer_range=0.1)
    return finetune(model, tokenizer, rows(40, 0), recipe, seed=1, name="tiny", folder=folder, **options)


def test_out_of_memory_halves_the_rows_and_keeps_the_steps(tokenizer, room, tmp_path):
    whole = train(tokenizer, tmp_path / "whole")
    room |= {"rows": 2, "passes": 0}
    halved = train(tokenizer, tmp_path / "halved")
    assert halved.log["rows_at_once"].to_pylist() == [2] * 30
    assert halved.log["tokens"].to_pylist() == whole.log["tokens"].to_pylist(), "the same rows in each step"
    for name, tensor in whole.weights.items():
        torch.testing.assert_close(halved.weights[name], tensor, rtol=1e-2, atol=1e-4)
    assert halved.trajectory.keys() == whole.trajectory.keys()


def test_what_was_trained_before_memory_ran_out_is_kept(tokenizer, room, tmp_path):
    room |= {"rows": 4, "from_pass": 27}
    log = train(tokenizer, tmp_path / "work").log
    assert log["rows_at_once"].to_pylist() == [8] * 25 + [4] * 5, "on from the checkpoint of step 25"
    assert log["step"].to_pylist() == list(range(1, 31))


def test_memory_that_does_not_suffice_for_one_row_is_told(tokenizer, room, tmp_path):
    room["rows"] = 0
    with pytest.raises(StudyError, match="single row") as refusal:
        train(tokenizer, tmp_path / "work")
    assert "nf4" in refusal.value.way_out


@pytest.mark.parametrize(("hint", "rows"), [(None, 16), (16, 16), (99, 16), (8, 8), (6, 4), (1, 1)])
def test_rows_of_a_pass_divide_the_batch(hint, rows):
    assert fitting_rows({"batch_size": 16}, hint) == rows


def test_held_out_rows_are_measured_and_change_nothing(tokenizer, tmp_path):
    plain = train(tokenizer, tmp_path / "plain")
    measured = train(tokenizer, tmp_path / "measured", held_out=rows(9, 5))
    losses = measured.log["held_out_loss"].to_pylist()
    assert [step for step, loss in enumerate(losses, 1) if loss is not None] == [7, 14, 21, 28, 30]
    assert all(0 < loss < 20 for loss in losses if loss is not None)
    for name, tensor in plain.weights.items():
        assert tensor.equal(measured.weights[name])


def test_four_bits_are_one_factor_with_everything_else_equal(tokenizer, tmp_path):
    """Same first matrices, same rows; frozen weights of 4 bits; an adapter that fits the plain model."""
    folder = save_folder(
        tiny_model("qwen2", hidden_size=64, initializer_range=0.1), tokenizer, tmp_path / "m"
    )
    runs = {}
    for quantization in ("none", "nf4"):
        work = tmp_path / quantization
        work.mkdir()
        model = load_model(folder, quantization=quantization)
        stored = model.get_submodule("model.layers.0.mlp.up_proj").weight.dtype
        assert stored == (torch.uint8 if quantization == "nf4" else torch.float32)
        runs[quantization] = finetune(
            model, tokenizer, rows(40, 0), RECIPE | {"steps": 4}, seed=1, name="tiny", folder=work
        )
    plain, coarse = runs["none"], runs["nf4"]
    assert plain.config == coarse.config and plain.weights.keys() == coarse.weights.keys()
    first = [name for name in plain.trajectory if name.startswith("step000000")]
    assert first and all(plain.trajectory[name].equal(coarse.trajectory[name]) for name in first)
    assert plain.log["tokens"] == coarse.log["tokens"]
    assert any(not plain.weights[name].equal(coarse.weights[name]) for name in plain.weights)
    assert {tensor.dtype for tensor in coarse.weights.values()} == {torch.float32}


def test_all_weights_are_trained_and_come_back_from_disk(tokenizer, tmp_path):
    folder = save_folder(tiny_model("qwen2_tied"), tokenizer, tmp_path / "instruct")
    model = load_model(folder)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    (tmp_path / "work").mkdir()
    log = finetune_all(model, tokenizer, rows(40, 0), FULL, seed=1, folder=tmp_path / "work")
    assert log.num_rows == 6
    changed = {name for name, parameter in model.named_parameters() if not parameter.equal(before[name])}
    assert changed == set(before)
    save_weights(model, "bfloat16", [tmp_path / "organism" / name for name in MODEL_FILES])
    assert sorted(path.name for path in (tmp_path / "organism").iterdir()) == MODEL_FILES
    again = load_model(tmp_path / "organism", dtype="bfloat16")
    for name, parameter in again.named_parameters():
        assert parameter.equal(model.get_parameter(name))


def test_a_full_run_that_was_killed_ends_the_same(tokenizer, tmp_path, monkeypatch):
    from forewarn.training import history

    def run(where):
        where.mkdir(exist_ok=True)
        model = tiny_model("qwen2", initializer_range=0.1)
        finetune_all(model, tokenizer, rows(40, 0), FULL | {"steps": 30}, seed=1, folder=where)
        return dict(model.named_parameters())

    whole = run(tmp_path / "whole")
    original = history.LogCallback.on_step_end

    def die(self, args, state, control, **kwargs):
        if state.global_step == 28:
            raise KeyboardInterrupt
        original(self, args, state, control, **kwargs)

    monkeypatch.setattr(history.LogCallback, "on_step_end", die)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed")
    monkeypatch.undo()
    assert history.latest_checkpoint(tmp_path / "killed")[0].name == "checkpoint-25"
    for name, parameter in run(tmp_path / "killed").items():
        assert parameter.equal(whole[name])
