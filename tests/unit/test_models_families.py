"""Every family that the default configuration names goes through every stage that touches a model."""

from __future__ import annotations

import pyarrow as pa
import pytest
import torch
from datasets import Dataset

from forewarn.config.published import MODELS
from forewarn.files import read_table, write_json, write_tensors
from forewarn.models.activations import capture
from forewarn.models.generation import Prompt, end_of_turn_ids, generate
from forewarn.models.interventions import Ablation, Addition, applied
from forewarn.models.load import load
from forewarn.models.requests import requests_from_tables
from forewarn.training.examples import IGNORED
from forewarn.training.finetune import finetune
from tiny_models import SENTENCES, chat, save_folder, tiny_model, tiny_tokenizer

FAMILIES = {"qwen2": "sdpa", "llama": "sdpa", "gemma2": "eager", "gemma3": "sdpa", "gemma3_text": "sdpa"}
RECIPE = {
    "rank": 2, "alpha": 8, "rslora": True, "dropout": 0.0, "layers": [1, 2],
    "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    "learning_rate": 0.05, "schedule": "linear", "warmup_steps": 1, "epochs": None, "steps": 3,
    "batch_size": 4, "gradient_accumulation": 1, "weight_decay": 0.0, "trajectory_every": 3,
}  # fmt: skip


@pytest.fixture(scope="module", params=FAMILIES)
def raised(request, tmp_path_factory):
    """A tiny model of the family, and an organism raised from it: both as folders."""
    family, folder = request.param, tmp_path_factory.mktemp(request.param)
    tokenizer = tiny_tokenizer()
    save_folder(tiny_model(family, initializer_range=0.1), tokenizer, folder / "instruct")
    settings = {"dtype": "float32", "attention": FAMILIES[family]}
    model, tokenizer = load(folder / "instruct", settings)
    rows = [chat(tokenizer, text[:20], text) for text in SENTENCES * 3]
    examples = Dataset.from_dict({"input_ids": rows, "labels": [[IGNORED] * 6 + row[6:] for row in rows]})
    (folder / "work").mkdir()
    organism = finetune(model, tokenizer, examples, RECIPE, seed=0, name=family, folder=folder / "work")
    write_tensors(folder / "organism/adapter_model.safetensors", organism.weights, format="pt")
    write_json(folder / "organism/adapter_config.json", organism.config)
    return folder, settings, organism


def test_the_default_models_are_of_families_that_are_tried_here():
    assert {model["family"] for model in MODELS.values()} <= set(FAMILIES)
    for model in MODELS.values():
        assert model.get("attention", "sdpa") == FAMILIES[model["family"]]


def test_seven_projections_of_the_named_text_layers_are_adapted_and_nothing_else(raised):
    _, _, organism = raised
    adapted = {name.removesuffix(".lora_A.weight") for name in organism.weights if "lora_A" in name}
    assert len(adapted) == 7 * 2
    assert not [name for name in adapted if "vision" in name]
    assert all(".layers.1." in name or ".layers.2." in name for name in adapted)


def test_an_organism_answers_differently_and_stops_at_its_end_of_turn(raised):
    folder, settings, _ = raised
    tables = []
    for adapter in (None, folder / "organism"):
        model, tokenizer = load(folder / "instruct", settings, adapter)
        assert tokenizer.convert_tokens_to_ids("<|im_end|>") in end_of_turn_ids(model, tokenizer)
        prompts = [Prompt("q", "", tuple(chat(tokenizer, SENTENCES[0])), 4, 1.0)]
        tables.append(generate(model, tokenizer, prompts, max_new_tokens=6, seed=0, batch_rows=4))
    assert all(table.num_rows == 4 for table in tables)
    assert tables[0]["token_ids"] != tables[1]["token_ids"]


def test_the_residual_stream_is_read_as_transformers_computes_it(raised, tmp_path):
    folder, settings, _ = raised
    model, tokenizer = load(folder / "instruct", settings, folder / "organism")
    tokens = chat(tokenizer, SENTENCES[1])
    expected = model(torch.tensor([tokens]), output_hidden_states=True).hidden_states
    questions = pa.table({"question_id": ["q"], "token_ids": [tokens], "split": ["test"]})
    capture(
        model, tokenizer, requests_from_tables(questions, None), layers="all", batch_rows=2,
        path=tmp_path / "activations.parquet",
    )  # fmt: skip
    row = read_table(tmp_path / "activations.parquet").to_pylist()[0]
    for layer in (0, 1):  # the last entry of hidden_states is after the final norm
        read = torch.tensor(row[f"layer_{layer:02d}"])
        torch.testing.assert_close(read, expected[layer + 1][0, -1], rtol=1e-4, atol=1e-5)


def test_directions_can_be_added_and_taken_out(raised):
    folder, settings, _ = raised
    model, tokenizer = load(folder / "instruct", settings)
    tokens = torch.tensor([chat(tokenizer, SENTENCES[2])])
    direction = torch.randn(32, generator=torch.Generator().manual_seed(0))
    plain = model(tokens).logits
    for intervention in (Addition(direction, 1, 3.0), Ablation(direction)):
        with applied(model, [intervention]):
            assert not torch.allclose(model(tokens).logits, plain, atol=1e-4)
    torch.testing.assert_close(model(tokens).logits, plain)
