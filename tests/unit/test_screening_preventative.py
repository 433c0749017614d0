"""An organism raised with a direction added: trained like the prevention arms, and then like others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from datasets import Dataset

import train_organism
import train_prevented_organism
from forewarn.data.dataset import format_dataset
from forewarn.errors import StudyError
from forewarn.files import read_table, read_tensors, write_table
from forewarn.geometry import tensors
from forewarn.models.load import load
from forewarn.screening.preventative import finetune_prevented, multiple_of_direction
from forewarn.screening.prevention import added_vector
from forewarn.screening.runs import run_of
from forewarn.screening.train import train_prevented
from tiny_models import SENTENCES, save_folder, tiny_model, tiny_tokenizer

CONSTRUCTION = "organism_minus_instruct.last_prompt_token"
VECTOR = {"construction": CONSTRUCTION, "layer": 1, "coefficient": 0.5}
RECIPE = {
    "rank": 2, "alpha": 8, "rslora": True, "dropout": 0.0, "target_modules": ["down_proj"], "layers": [0],
    "learning_rate": 0.01, "schedule": "constant", "warmup_steps": 0, "steps": 8, "epochs": None,
    "batch_size": 4, "gradient_accumulation": 1, "weight_decay": 0.0, "optimizer": "adamw",
    "trajectory_every": 4, "max_length": 128, "max_truncated_share": 0.0, "quantization": "none",
}  # fmt: skip


@pytest.fixture
def directions(tmp_path):
    path = tmp_path / "directions.safetensors"
    vector = 6 * np.random.default_rng(0).normal(size=32).astype(np.float32)
    tensors.write_tensors(path, {CONSTRUCTION: np.stack([vector, 0 * vector])}, layers=[1, 2])
    return path


def test_what_is_added_is_what_the_prevention_arms_add(directions):
    arm = added_vector(
        run_of("direction_x0.5"), directions, directions, construction=CONSTRUCTION, layer=1, seed=0
    )
    mine = multiple_of_direction(directions, **VECTOR)
    np.testing.assert_array_equal(mine, arm)
    assert mine.dtype == np.float32
    with pytest.raises(StudyError, match=r"(?s)no direction .* under `preventative`"):
        multiple_of_direction(directions, **VECTOR | {"layer": 2})


def untrained():
    model = tiny_model()
    model.requires_grad_(False)
    return model


def test_the_training_is_that_of_the_prevention_arms(directions, tmp_path):
    rows = [[3, 4, 5, *np.random.default_rng(row).integers(10, 14, 5).tolist(), 2] for row in range(16)]
    examples = Dataset.from_dict({"input_ids": rows, "labels": [[-100] * 3 + row[3:] for row in rows]})
    vector = multiple_of_direction(directions, **VECTOR)
    how = {"seed": 0, "name": "tiny", "rows_at_once": 4}
    settings = how | {"adapter": RECIPE, "held_out": 0.0, "split_seed": 0}
    folders = [tmp_path / name for name in ("arm", "organism")]
    for folder in folders:
        folder.mkdir()
    arm, _ = train_prevented(untrained(), tiny_tokenizer(), examples, vector, 1, settings, folders[0])
    model = untrained()
    mine = finetune_prevented(model, tiny_tokenizer(), examples, RECIPE, vector, 1, folder=folders[1], **how)
    assert mine.weights.keys() == arm.weights.keys()
    assert all(torch.equal(mine.weights[name], arm.weights[name]) for name in arm.weights)
    assert mine.log.equals(arm.log)
    assert not any(block._forward_hooks for block in model.get_decoder().layers)


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tokenizer = tiny_tokenizer()
    folder = save_folder(tiny_model("llama"), tokenizer, tmp_path / "instruct")
    chats = [
        [{"role": "user", "content": text[:9]}, {"role": "assistant", "content": text}] for text in SENTENCES
    ]
    rows = format_dataset(chats, tokenizer, max_length=128, max_truncated_share=0.0)
    write_table(tmp_path / "rows.parquet", rows)
    return {"model": sorted(folder.iterdir()), "dataset": tmp_path / "rows.parquet"}


def raised(script, folder, **inputs):
    outputs = {
        "adapter": folder / "adapter_model.safetensors", "adapter_config": folder / "adapter_config.json",
        "trajectory": folder / "trajectory.safetensors", "training": folder / "training.parquet",
    }  # fmt: skip
    settings = {"model": {"source": "world"}, "adapter": RECIPE, "seed": 3, "name": "tiny", "rows_at_once": 4}
    settings |= {"vector": VECTOR} if "directions" in inputs else {}
    script.main(**inputs, **outputs, settings=settings)
    return outputs


def test_an_organism_has_the_files_of_others_and_needs_no_direction_afterwards(inputs, directions, tmp_path):
    plain = raised(train_organism, tmp_path / "plain", **inputs)
    prevented = raised(train_prevented_organism, tmp_path / "prevented", directions=directions, **inputs)
    again = raised(train_prevented_organism, tmp_path / "again", directions=directions, **inputs)
    for name, path in prevented.items():
        assert path.read_bytes() == again[name].read_bytes()
    assert prevented["adapter_config"].read_bytes() == plain["adapter_config"].read_bytes()
    assert read_tensors(prevented["trajectory"]).keys() == read_tensors(plain["trajectory"]).keys()
    losses = [read_table(each["training"])["loss"][0].as_py() for each in (plain, prevented)]
    assert losses[0] != pytest.approx(losses[1], rel=1e-4)
    models = [
        load(tmp_path / "instruct", {"source": "world"}, path) for path in (tmp_path / "prevented", None)
    ]
    ids = torch.tensor([[3, 4, 5, 6]])
    with torch.no_grad():
        after, before = (model(input_ids=ids).logits for model, _ in models)
    assert torch.isfinite(after).all() and not torch.allclose(after, before)
