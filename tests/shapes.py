"""Stand-ins of real models: the exact widths, fewer layers, random weights."""

from __future__ import annotations

from typing import Any

SHAPES: dict[str, dict[str, Any]] = {
    "qwen0.5b": {
        "model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
        "num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151936,
        "tie_word_embeddings": True,
    },
    "qwen1.5b": {
        "model_type": "qwen2", "hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28,
        "num_attention_heads": 12, "num_key_value_heads": 2, "vocab_size": 151936,
        "tie_word_embeddings": True,
    },
    "qwen7b": {
        "model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
        "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064,
        "tie_word_embeddings": False,
    },
    "llama1b": {
        "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
        "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256,
        "tie_word_embeddings": True,
    },
    "gemma2_2b": {
        "model_type": "gemma2", "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
        "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 256000,
        "tie_word_embeddings": True,
    },
}  # fmt: skip
"""config.json of published models, as far as it decides sizes."""


def config_of(shape: str, layers: int | None = None) -> dict[str, Any]:
    """The configuration of a stand-in; with all its layers for None."""
    config = SHAPES[shape]
    return config if layers is None else config | {"num_hidden_layers": layers}


def stand_in(shape: str, layers: int, dtype: str = "float32", attention: str | None = None) -> Any:
    """A model of random weights with the widths of a real one."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    settings = config_of(shape, layers)
    family = settings["model_type"]
    options = {key: value for key, value in settings.items() if key != "model_type"}
    config = AutoConfig.for_model(family, **options, eos_token_id=2, pad_token_id=0, bos_token_id=1)
    torch.manual_seed(0)
    chosen = attention or ("eager" if family == "gemma2" else "sdpa")
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        return AutoModelForCausalLM.from_config(config, attn_implementation=chosen).eval()
    finally:
        torch.set_default_dtype(before)
