"""The bridge to TransformerLens: it takes the model as it is, and leaves the environment as it is."""

import subprocess

import pytest
import torch

from forewarn.models.bridge import boot
from forewarn.models.load import load
from tiny_models import save_folder, tiny_model, tiny_tokenizer


@pytest.mark.parametrize("family", ["qwen2", "gemma3", "gemma3_text"])
def test_nothing_is_installed_for_any_family(family, monkeypatch, tmp_path):
    """For Gemma 3, which also sees, TransformerLens would have pip install torchvision, and another torch."""
    save_folder(tiny_model(family), tiny_tokenizer(), tmp_path)
    model, tokenizer = load(tmp_path, {"dtype": "float32", "attention": "sdpa"})
    called = []
    for name in ("check_call", "run", "Popen"):
        monkeypatch.setattr(subprocess, name, lambda *command, **_: called.append(command))
    tokens = torch.arange(8)[None]
    with torch.no_grad():
        before = model(tokens).logits.clone()
        bridge = boot(model, tokenizer)
        assert torch.allclose(bridge(tokens), before, atol=1e-4)
    assert called == []
