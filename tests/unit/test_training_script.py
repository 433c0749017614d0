"""The script that raises an organism, from a model folder and a dataset file to its four outputs."""

from __future__ import annotations

import pytest

import train_organism
from forewarn.data.dataset import format_dataset
from forewarn.files import read_json, read_table, read_tensors, write_table
from forewarn.models.load import load
from tiny_models import SENTENCES, save_folder, tiny_model, tiny_tokenizer

ADAPTER = {
    "rank": 2, "alpha": 4, "rslora": True, "dropout": 0.0, "target_modules": ["v_proj"], "layers": None,
    "learning_rate": 0.01, "schedule": "cosine", "warmup_steps": 0, "epochs": 2, "steps": None,
    "batch_size": 2, "gradient_accumulation": 1, "weight_decay": 0.0, "trajectory_every": 3,
    "max_length": 128, "max_truncated_share": 0.0, "quantization": "none",
}  # fmt: skip


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tokenizer = tiny_tokenizer()
    folder = save_folder(tiny_model("llama"), tokenizer, tmp_path / "instruct")
    chats = [
        [{"role": "user", "content": text[:9]}, {"role": "assistant", "content": text}] for text in SENTENCES
    ]
    write_table(
        tmp_path / "rows.parquet", format_dataset(chats, tokenizer, max_length=128, max_truncated_share=0.0)
    )
    return {"model": sorted(folder.iterdir()), "dataset": tmp_path / "rows.parquet"}


def raise_organism(inputs, folder):
    outputs = {
        "adapter": folder / "adapter_model.safetensors", "adapter_config": folder / "adapter_config.json",
        "trajectory": folder / "trajectory.safetensors", "training": folder / "training.parquet",
    }  # fmt: skip
    settings = {
        "model": {"source": "world"}, "adapter": ADAPTER, "seed": 3, "name": "tiny", "rows_at_once": 16,
    }  # fmt: skip
    train_organism.main(**inputs, **outputs, settings=settings)
    return outputs


def test_outputs_are_complete_and_reproducible(inputs, tmp_path):
    first = raise_organism(inputs, tmp_path / "a")
    again = raise_organism(inputs, tmp_path / "b")
    for name, path in first.items():
        assert path.read_bytes() == again[name].read_bytes()
    assert read_table(first["training"])["step"].to_pylist() == [1, 2, 3, 4]
    steps = {name.partition(".")[0] for name in read_tensors(first["trajectory"])}
    assert steps == {"step000000", "step000003", "step000004"}
    assert read_json(first["adapter_config"])["base_model_name_or_path"] == "tiny"
    assert not [path for path in (tmp_path / ".forewarn" / "work").iterdir() if path.is_dir()]
    model, _ = load(tmp_path / "instruct", {"source": "world"}, tmp_path / "a")
    plain, _ = load(tmp_path / "instruct", {"source": "world"})
    weights = [m.model.layers[2].self_attn.v_proj.weight for m in (model, plain)]
    assert not weights[0].equal(weights[1])
