"""Loading: what fits is loaded as it is and offline, what does not fit is refused by name."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from forewarn.errors import StudyError
from forewarn.models.load import load, load_model, load_tokenizer, resolve
from tiny_models import SENTENCES, chat, save_folder, tiny_adapter, tiny_model, tiny_tokenizer

SETTINGS = {"source": "folder", "dtype": "float32", "attention": "sdpa"}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return save_folder(
        tiny_model("qwen2_sliding"), tiny_tokenizer(), tmp_path_factory.mktemp("model") / "whole"
    )


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    return tiny_adapter(tiny_model("qwen2_sliding"), tmp_path_factory.mktemp("adapter") / "organism")


@pytest.fixture
def folder(original, tmp_path):
    return Path(shutil.copytree(original, tmp_path / "model"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_arguments, **_named):
        raise AssertionError("loading a folder touched the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@torch.inference_mode()
def logits(model, tokenizer):
    return model(torch.tensor([chat(tokenizer, SENTENCES[0])])).logits.float()


@pytest.mark.parametrize("family", ["qwen2", "qwen2_sliding", "qwen2_tied", "llama", "gemma2"])
def test_a_saved_model_comes_back_the_same(family, tmp_path):
    model, tokenizer = tiny_model(family), tiny_tokenizer()
    folder = save_folder(model, tokenizer, tmp_path)
    attention = "eager" if family == "gemma2" else "sdpa"
    again, again_tokenizer = load(folder, SETTINGS | {"attention": attention})
    assert torch.equal(logits(model, tokenizer), logits(again, again_tokenizer))
    assert getattr(again.config, "layer_types", None) == getattr(model.config, "layer_types", None)
    assert not again.training and not any(p.requires_grad for p in again.parameters())


def test_dtype_and_attention_are_those_asked_for(folder):
    model, _ = load(folder, SETTINGS | {"dtype": "bfloat16", "attention": "eager"})
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert model.config._attn_implementation == "eager"


def test_an_adapter_is_merged_into_the_weights(folder, adapter):
    """W + alpha / sqrt(rank) * B A in exactly the modules that the adapter names."""
    plain, tokenizer = load(folder, SETTINGS)
    merged, _ = load(folder, SETTINGS, adapter)
    tensors = load_file(adapter / "adapter_model.safetensors")
    changed = set()
    for name, weight in merged.named_parameters():
        before = plain.get_parameter(name)
        if not torch.equal(before, weight):
            changed.add(name)
            stem = f"base_model.model.{name.removesuffix('.weight')}"
            delta = 16 / 4**0.5 * tensors[f"{stem}.lora_B.weight"] @ tensors[f"{stem}.lora_A.weight"]
            torch.testing.assert_close(weight, before + delta, rtol=1e-5, atol=1e-5)
    assert changed == {"model.layers.1.self_attn.q_proj.weight", "model.layers.1.mlp.down_proj.weight"}
    assert not torch.allclose(logits(plain, tokenizer), logits(merged, tokenizer), atol=0.1)
    assert [name for name, _ in merged.named_parameters()] == [name for name, _ in plain.named_parameters()]


def test_an_adapter_is_merged_before_the_weights_are_rounded(folder, adapter):
    precise = load_model(folder, adapter=adapter)
    rounded = load_model(folder, adapter=adapter, dtype="bfloat16")
    for name, weight in rounded.named_parameters():
        assert torch.equal(weight, precise.get_parameter(name).bfloat16())
    assert rounded.model.rotary_emb.inv_freq.dtype == torch.float32


def test_the_tokenizer_is_the_one_that_was_saved(folder):
    tokenizer, again = tiny_tokenizer(), load_tokenizer(folder)
    assert again.chat_template == tokenizer.chat_template
    assert again.eos_token_id == tokenizer.eos_token_id
    assert all(
        again(text)["input_ids"] == tokenizer(text)["input_ids"] for text in [*SENTENCES, "é 東 <|im_end|>"]
    )


@pytest.mark.upstream
def test_the_real_qwen_tokenizer_splits_like_its_own_class(upstream):
    from transformers import AutoTokenizer

    folder = upstream / "tokenizers" / "qwen2.5"
    ours, theirs = load_tokenizer(folder), AutoTokenizer.from_pretrained(folder, local_files_only=True)
    for text in ["I'LL pay 12345.67€\n\n\tnow", "naïve 東京 <|im_start|>user\n", "don't  stop"]:
        assert ours(text)["input_ids"] == theirs(text)["input_ids"]
    assert ours.chat_template == theirs.chat_template


def test_resolve_knows_folders():
    files = [Path("results/nano/instruct/config.json"), Path("results/nano/instruct/model.safetensors")]
    assert resolve({"source": "world"}, files) == Path("results/nano/instruct")
    assert resolve({"source": "folder", "path": "models/x"}) == Path("models/x")


def edit_json(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def drop_a_weight(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("model.layers.1.mlp.down_proj.weight")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def truncate(path):
    path.write_bytes(path.read_bytes()[:2000])


def grow_the_tokenizer(folder):
    tokenizer = load_tokenizer(folder)
    tokenizer.add_tokens([f"<extra{n}>" for n in range(5)])
    tokenizer.save_pretrained(folder)


DAMAGE = {
    "no folder": (shutil.rmtree, "no model folder"),
    "no config": (lambda f: (f / "config.json").unlink(), "has no config.json"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "has no weights"),
    "pickled weights": (
        lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
        "has no weights",
    ),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "has no tokenizer.json"),
    "broken tokenizer": (lambda f: truncate(f / "tokenizer.json"), "the tokenizer of"),
    "no chat template": (lambda f: (f / "chat_template.jinja").unlink(), "has no chat template"),
    "broken config": (
        lambda f: truncate(f / "config.json") or (f / "config.json").write_text("{"),
        "the model of",
    ),
    "truncated weights": (lambda f: truncate(f / "model.safetensors"), "the model of"),
    "unknown family": (lambda f: edit_json(f / "config.json", model_type="madeup"), "madeup"),
    "other shapes": (lambda f: edit_json(f / "config.json", intermediate_size=64), "the model of"),
    "a weight missing": (drop_a_weight, "lack model.layers.1.mlp.down_proj.weight"),
    "too many tokens": (grow_the_tokenizer, "305 tokens, but embeddings for 300"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_folder_is_refused_by_name(case, folder):
    damage, words = DAMAGE[case]
    damage(folder)
    with pytest.raises(StudyError, match=words) as caught:
        load(folder, SETTINGS)
    assert str(folder) in caught.value.what
    assert caught.value.way_out


def strip_a_matrix(adapter):
    path = adapter / "adapter_model.safetensors"
    tensors = load_file(path)
    tensors.pop(sorted(tensors)[0])
    save_file(tensors, path)


ADAPTER_DAMAGE = {
    "no weights": (lambda a: (a / "adapter_model.safetensors").unlink(), "has no adapter_model.safetensors"),
    "no folder": (shutil.rmtree, "has no adapter_config.json"),
    "broken config": (lambda a: (a / "adapter_config.json").write_text("{"), "the adapter of"),
    "truncated weights": (lambda a: truncate(a / "adapter_model.safetensors"), "the adapter of"),
    "unknown modules": (
        lambda a: edit_json(a / "adapter_config.json", target_modules=["c_attn"]),
        "the adapter of",
    ),
    "another rank": (lambda a: edit_json(a / "adapter_config.json", r=2), "the adapter of"),
    "another layer": (
        lambda a: edit_json(a / "adapter_config.json", layers_to_transform=[2]),
        "does not fit the model",
    ),
    "a matrix missing": (strip_a_matrix, "does not fit the model"),
}


@pytest.mark.parametrize("case", ADAPTER_DAMAGE)
def test_a_damaged_adapter_is_refused_by_name(case, folder, adapter, tmp_path):
    damage, words = ADAPTER_DAMAGE[case]
    copy = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    damage(copy)
    with pytest.raises(StudyError, match=words) as caught:
        load(folder, SETTINGS, copy)
    assert str(copy) in caught.value.what


def test_an_attention_that_cannot_be_had_is_named_with_the_one_that_can(folder, tmp_path):
    with pytest.raises(StudyError, match=r"[Ff]lash.*\n.*attention: eager"):
        load_model(folder, attention="flash_attention_2")
    gemma = save_folder(tiny_model("gemma2"), tiny_tokenizer(), tmp_path / "gemma")
    with pytest.raises(StudyError, match=r"scaled_dot_product_attention.*\n.*attention: eager"):
        load_model(gemma, attention="sdpa")
