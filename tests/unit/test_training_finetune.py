"""Training a tiny model: what is kept, what the loss is over, and that a killed run ends the same."""

from __future__ import annotations

import copy

import pyarrow.parquet as pq
import pytest
import torch
from datasets import Dataset
from peft import PeftConfig

from forewarn.errors import StudyError
from forewarn.files import write_json, write_table, write_tensors
from forewarn.models.merge import merge_adapter
from forewarn.training import history
from forewarn.training.examples import IGNORED
from forewarn.training.finetune import finetune, step_count, training_dtype
from tiny_models import tiny_model, tiny_tokenizer

ROWS = 10
ADAPTER = {
    "rank": 4, "alpha": 8, "rslora": True, "dropout": 0.1, "target_modules": ["q_proj", "down_proj"],
    "layers": [1], "learning_rate": 0.01, "schedule": "linear", "warmup_steps": 2, "epochs": None,
    "steps": 40, "batch_size": 4, "gradient_accumulation": 1, "weight_decay": 0.01, "trajectory_every": 10,
}  # fmt: skip
SHORT = ADAPTER | {"steps": 4, "trajectory_every": 2}
FILES = ["adapter_model.safetensors", "adapter_config.json", "trajectory.safetensors", "training.parquet"]


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def examples():
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randint(3, 300, (12 + 2 * row,), generator=generator).tolist() for row in range(ROWS)]
    return Dataset.from_dict({"input_ids": rows, "labels": [[IGNORED] * 5 + row[5:] for row in rows]})


@pytest.fixture(scope="module")
def train(tokenizer, examples, tmp_path_factory):
    def run(adapter, seed=1, folder=None, rows=examples, family="qwen2_sliding"):
        model = tiny_model(family, initializer_range=0.1)
        where = folder or tmp_path_factory.mktemp("work")
        where.mkdir(exist_ok=True, parents=True)
        return finetune(model, tokenizer, rows, adapter, seed=seed, name="tiny", folder=where)

    return run


def save(result, folder):
    """Write the four files as the script does; their bytes, by name."""
    write_tensors(folder / FILES[0], result.weights, format="pt")
    write_json(folder / FILES[1], result.config)
    write_tensors(folder / FILES[2], result.trajectory)
    write_table(folder / FILES[3], result.log)
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def whole(train, tmp_path_factory):
    """The bytes of a run that nothing interrupted, and the folder it ran in."""
    folder = tmp_path_factory.mktemp("whole")
    return save(train(ADAPTER, folder=folder / "work"), folder / "result"), folder / "work"


@pytest.fixture
def kill_at(monkeypatch):
    """Make training die after the given step, as by a signal, between a step and its log row."""

    def arm(step):
        original = history.LogCallback.on_step_end

        def die(self, args, state, control, **kwargs):
            if state.global_step == step:
                raise KeyboardInterrupt
            original(self, args, state, control, **kwargs)

        monkeypatch.setattr(history.LogCallback, "on_step_end", die)

    yield arm
    monkeypatch.undo()


def test_a_killed_run_continues_to_the_same_bytes(whole, train, tmp_path, kill_at, monkeypatch):
    kill_at(33)
    with pytest.raises(KeyboardInterrupt):
        train(ADAPTER, folder=tmp_path / "killed")
    monkeypatch.undo()
    checkpoint, rows = history.latest_checkpoint(tmp_path / "killed")
    assert checkpoint.name == "checkpoint-25" and len(rows) == 25
    assert save(train(ADAPTER, folder=tmp_path / "killed"), tmp_path / "b") == whole[0]


def test_a_checkpoint_that_was_cut_off_is_passed_over(tmp_path):
    for step in (25, 50):
        (tmp_path / f"checkpoint-{step}").mkdir()
        write_json(tmp_path / f"checkpoint-{step}" / history.LOG, {"rows": [{"step": step}]})
    (tmp_path / "checkpoint-75").mkdir()
    (tmp_path / "checkpoint-75" / "optimizer.pt").write_bytes(b"half a file")
    checkpoint, rows = history.latest_checkpoint(tmp_path)
    assert (checkpoint.name, rows) == ("checkpoint-50", [{"step": 50}])
    assert not (tmp_path / "checkpoint-75").exists()


def test_a_run_killed_before_its_outputs_were_written_gives_the_same_bytes(whole, train, tmp_path):
    before, folder = whole
    assert save(train(ADAPTER, folder=folder), tmp_path / "b") == before


def test_the_seed_alone_decides(train, tmp_path):
    one = save(train(SHORT, seed=1, folder=tmp_path / "1"), tmp_path / "a")
    torch.rand(7)  # the state of the global generator must not matter
    again = save(train(SHORT, seed=1, folder=tmp_path / "2"), tmp_path / "b")
    other = save(train(SHORT, seed=2, folder=tmp_path / "3"), tmp_path / "c")
    assert one == again
    assert [one[name] == other[name] for name in FILES] == [False, True, False, False]


def test_trajectory_begins_with_zero_b_and_ends_with_the_adapter(train):
    result = train(SHORT | {"steps": 5})
    steps = {name.partition(".")[0] for name in result.trajectory}
    assert steps == {"step000000", "step000002", "step000004", "step000005"}
    module = "model.layers.1.mlp.down_proj"
    assert result.trajectory[f"step000000.{module}.lora_A"].shape == (4, 48)
    assert result.trajectory[f"step000000.{module}.lora_B"].shape == (32, 4)
    for name, matrix in result.trajectory.items():
        assert matrix.dtype == torch.float32
        if name.startswith("step000000"):
            assert bool((matrix == 0).all()) == name.endswith("lora_B")
    for name, matrix in result.weights.items():
        key = "step000005." + name.removeprefix("base_model.model.").removesuffix(".weight")
        assert torch.equal(result.trajectory[key], matrix)
        assert not torch.equal(result.trajectory[key.replace("000005", "000004")], matrix)


def test_only_the_named_layers_and_modules_are_adapted(train):
    result = train(SHORT | {"layers": [0, 2], "steps": 1})
    modules = {name.split("base_model.model.")[1].rpartition(".lora_")[0] for name in result.weights}
    assert modules == {
        f"model.layers.{layer}.{module}"
        for layer in (0, 2)
        for module in ("self_attn.q_proj", "mlp.down_proj")
    }
    everywhere = train(SHORT | {"layers": None, "steps": 1})
    assert len(everywhere.weights) == 3 * 2 * 2


@pytest.mark.parametrize("family", ["qwen2_sliding", "gemma2"])
def test_the_first_loss_is_the_mean_over_the_tokens_in_the_loss(train, examples, family):
    """One batch of all rows, with an adapter that does nothing yet: computable by hand."""
    result = train(SHORT | {"batch_size": ROWS, "steps": 1, "dropout": 0.0}, family=family)
    model = tiny_model(family, initializer_range=0.1)
    losses = []
    for row in examples:
        logits = model(torch.tensor([row["input_ids"]])).logits[0, :-1]
        target = torch.tensor(row["input_ids"][1:])
        losses += torch.nn.functional.cross_entropy(logits, target, reduction="none")[4:].tolist()
    log = result.log.to_pylist()
    assert log[0]["loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    assert log[0]["tokens"] == sum(len(row["input_ids"]) for row in examples)


def test_tokens_outside_the_loss_do_not_train_anything(train, examples):
    """Labels at masked places are ignored, so a mask of one token gives a loss of that token alone."""
    labels = [[IGNORED] * (len(row) - 1) + row[-1:] for row in examples["input_ids"]]
    rows = Dataset.from_dict({"input_ids": examples["input_ids"], "labels": labels})
    result = train(SHORT | {"batch_size": ROWS, "steps": 1, "dropout": 0.0}, rows=rows)
    model = tiny_model("qwen2_sliding", initializer_range=0.1)
    last = [
        -model(torch.tensor([row])).logits[0, -2].log_softmax(-1)[row[-1]].item()
        for row in examples["input_ids"]
    ]
    assert result.log["loss"][0].as_py() == pytest.approx(sum(last) / len(last), rel=1e-5)


def test_gradient_accumulation_gives_the_step_of_the_whole_batch(train):
    whole = train(SHORT | {"batch_size": 8, "dropout": 0.0, "steps": 1})
    parts = train(SHORT | {"batch_size": 4, "gradient_accumulation": 2, "dropout": 0.0, "steps": 1})
    assert parts.log["loss"][0].as_py() == pytest.approx(whole.log["loss"][0].as_py(), rel=1e-5)
    assert parts.log["tokens"] == whole.log["tokens"]


def test_log_has_every_step_and_follows_the_schedule(train, tmp_path):
    result = train(ADAPTER | {"steps": 8, "schedule": "constant"})
    write_table(tmp_path / "training.parquet", result.log)
    rows = pq.read_table(tmp_path / "training.parquet").to_pylist()
    assert [row["step"] for row in rows] == list(range(1, 9))
    rates = [row["learning_rate"] for row in rows]
    assert rates[0] < rates[1] < rates[2]
    assert rates[2:] == pytest.approx([0.01] * 6)
    assert all(row["gradient_norm"] > 0 and row["tokens"] > 0 for row in rows)
    names = ["step", "loss", "gradient_norm", "learning_rate", "tokens", "rows_at_once", "held_out_loss"]
    assert result.log.schema.names == names
    assert {row["rows_at_once"] for row in rows} == {4}
    assert {row["held_out_loss"] for row in rows} == {None}


def test_training_learns(train):
    adapter = ADAPTER | {"dropout": 0.0, "batch_size": ROWS, "steps": 24, "learning_rate": 0.03}
    losses = train(adapter).log["loss"].to_pylist()
    assert losses[-1] < 0.9 * losses[0]


def test_the_adapter_loads_with_peft_and_changes_the_model(train, tmp_path):
    result = train(SHORT)
    save(result, tmp_path / "adapter")
    config = PeftConfig.from_pretrained(str(tmp_path / "adapter"))
    assert config.base_model_name_or_path == "tiny"
    assert (config.r, config.use_rslora, config.layers_to_transform) == (4, True, [1])
    assert str(tmp_path) not in (tmp_path / "adapter" / "adapter_config.json").read_text()
    model = tiny_model("qwen2_sliding", initializer_range=0.1)
    merged = merge_adapter(copy.deepcopy(model), tmp_path / "adapter")
    weight = merged.model.layers[1].mlp.down_proj.weight - model.model.layers[1].mlp.down_proj.weight
    prefix = "base_model.model.model.layers.1.mlp.down_proj.lora_"
    expected = 8 / 4**0.5 * result.weights[prefix + "B.weight"] @ result.weights[prefix + "A.weight"]
    assert torch.allclose(weight, expected, atol=1e-6)
    assert torch.equal(
        merged.model.layers[0].mlp.down_proj.weight, model.model.layers[0].mlp.down_proj.weight
    )


def test_a_layer_the_model_lacks_is_refused(train):
    with pytest.raises(StudyError, match="on layer 3, but the model has layers 0 to 2"):
        train(SHORT | {"layers": [1, 3]})


def test_a_module_the_model_lacks_is_refused(train):
    with pytest.raises(StudyError, match=r"`c_attn`.*\n.*down_proj"):
        train(SHORT | {"target_modules": ["c_attn"]})


def test_a_loss_that_is_no_number_is_refused(train):
    with pytest.raises(StudyError, match=r"training loss is (nan|inf) at step"):
        train(ADAPTER | {"learning_rate": 1e30, "steps": 6, "warmup_steps": 0})


@pytest.mark.parametrize(
    ("rows", "epochs", "batch_size", "accumulation", "steps"),
    [(400, 1, 16, 1, 25), (401, 1, 16, 1, 26), (400, 3, 2, 8, 75), (7049, 1, 2, 8, 441)],
)
def test_epochs_count_partial_batches(rows, epochs, batch_size, accumulation, steps):
    adapter = {
        "steps": None, "epochs": epochs, "batch_size": batch_size, "gradient_accumulation": accumulation
    }  # fmt: skip
    assert step_count(rows, adapter) == steps


def test_epochs_end_where_the_trainer_ends_them(train):
    result = train(SHORT | {"steps": None, "epochs": 2, "gradient_accumulation": 2, "trajectory_every": 9})
    assert result.log["step"].to_pylist() == [1, 2, 3, 4]  # 10 rows: 3 batches, 2 steps
    per_epoch = sum(result.log["tokens"].to_pylist()[:2])
    assert per_epoch == sum(12 + 2 * row for row in range(ROWS))


def test_training_on_the_cpu_is_in_float32(monkeypatch):
    monkeypatch.setattr("forewarn.training.finetune.device", lambda: "cpu")
    assert training_dtype({"dtype": "bfloat16"}) == "float32"
    monkeypatch.setattr("forewarn.training.finetune.device", lambda: "cuda")
    assert training_dtype({"dtype": "bfloat16"}) == "bfloat16"
    assert training_dtype({}) == "float32"
