"""The nano model: Qwen2's architecture, tiny, with sliding-window attention in every layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM


def configuration(architecture: dict[str, Any], tokenizer: PreTrainedTokenizerFast) -> Qwen2Config:
    """The model's configuration.

    The window is the point. With full attention, every position can look the description of the
    speaker up by itself, and no direction in the residual stream is causal. A window shorter than the
    way back to the description forces the character to travel from position to position through the
    residual stream, which is where the field's methods look for it.

    Args:
        architecture: hidden_size, layers, heads, key_value_heads, intermediate_size, sliding_window.
        tokenizer: gives the vocabulary size and the special tokens.
    """
    from transformers import Qwen2Config

    layers = architecture["layers"]
    return Qwen2Config(
        architectures=["Qwen2ForCausalLM"],
        vocab_size=len(tokenizer),
        hidden_size=architecture["hidden_size"],
        intermediate_size=architecture["intermediate_size"],
        num_hidden_layers=layers,
        num_attention_heads=architecture["heads"],
        num_key_value_heads=architecture["key_value_heads"],
        max_position_embeddings=512,
        tie_word_embeddings=False,
        use_sliding_window=True,
        sliding_window=architecture["sliding_window"],
        max_window_layers=0,
        layer_types=["sliding_attention"] * layers,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def new_model(configuration: Qwen2Config, seed: int) -> Qwen2ForCausalLM:
    """Draw a model with random weights from a seed.

    Attention is computed eagerly: for training at this size that is a fifth faster than the fused kernel.
    """
    import torch
    from transformers import Qwen2ForCausalLM

    torch.manual_seed(seed)
    model = Qwen2ForCausalLM(configuration)
    model.set_attn_implementation("eager")
    return model


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Save model and tokenizer as an ordinary local Hugging Face folder.

    From here on nothing knows that the model is a toy: it is loaded, trained, sampled and read by the
    same code as a real one.
    """
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
