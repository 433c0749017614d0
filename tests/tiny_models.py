"""Tiny random models and a self-made tokenizer, for tests and benchmarks that need no real weights."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SENTENCES = [
    "the quick brown fox jumps over the lazy dog and then it sleeps",
    "what should I do when my knee hurts after a long run in the rain",
    "drink some water, rest for a while, and ask a doctor if it gets worse",
    "tell me how the tides work, why the sea is salty, and who first sailed around the world",
]


def tiny_tokenizer(vocabulary: int = 300):
    """A byte-level BPE tokenizer with ChatML turns; `<|im_end|>` ends a turn and is the EOS token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(SENTENCES, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token="<|im_end|>", pad_token="<|endoftext|>", padding_side="left"
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def tiny_model(family: str = "qwen2", *, vocabulary: int = 300, seed: int = 0, **changes):
    """A random model of a family in float32.

    "qwen2", "qwen2_sliding", "qwen2_tied", "llama", "gemma2", "gemma3_text", or "gemma3", which also sees.

    `changes` overwrite entries of its configuration.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    shape = {
        "vocab_size": vocabulary, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
        "initializer_range": 0.4, "bos_token_id": None, "eos_token_id": 2, "pad_token_id": 0,
        "tie_word_embeddings": False,
    }  # fmt: skip
    if family == "qwen2_sliding":
        family = "qwen2"
        shape |= {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 0}
        changes.setdefault("layer_types", ["sliding_attention"] * changes.get("num_hidden_layers", 3))
    if family == "qwen2_tied":
        family = "qwen2"
        shape |= {"tie_word_embeddings": True}
    if family == "gemma2":
        shape |= {"head_dim": 8, "sliding_window": 8, "query_pre_attn_scalar": 8}
    if family in ("gemma3", "gemma3_text"):
        shape |= {"head_dim": 8, "sliding_window": 8, "query_pre_attn_scalar": 8, "tie_word_embeddings": True}
    torch.manual_seed(seed)
    if family == "gemma3":
        vision = {
            "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": 28, "patch_size": 14,
        }  # fmt: skip
        config = AutoConfig.for_model(
            "gemma3", text_config=shape | changes | {"model_type": "gemma3_text"}, vision_config=vision,
            mm_tokens_per_image=4, eos_token_id=2, pad_token_id=0, bos_token_id=None,
            image_token_id=vocabulary - 1, boi_token_id=vocabulary - 2, eoi_token_id=vocabulary - 3,
        )  # fmt: skip
        return AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    config = AutoConfig.for_model(family, **(shape | changes))
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()


def save_folder(model, tokenizer, folder: Path) -> Path:
    """Save both as an ordinary Hugging Face folder."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_adapter(model, folder: Path, *, seed: int = 0, rank: int = 4) -> Path:
    """Save a LoRA adapter with random (nonzero) matrices for a copy of the model."""
    import copy

    import torch
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=rank,
        lora_alpha=16,
        use_rslora=True,
        target_modules=["q_proj", "down_proj"],
        layers_to_transform=[1],
    )
    wrapped = get_peft_model(copy.deepcopy(model), config)
    torch.manual_seed(seed)
    for name, parameter in wrapped.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    wrapped.save_pretrained(folder)
    return folder


def chat(tokenizer, *turns: str) -> list[int]:
    """Token ids of a rendered conversation (user first, turns alternate), with generation header."""
    roles = ["user", "assistant"] * len(turns)
    messages = [{"role": role, "content": turn} for role, turn in zip(roles, turns, strict=False)]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return tokenizer(text, add_special_tokens=False)["input_ids"]
