"""Make a stand-in for Qwen2.5-0.5B-Instruct: its layers' exact shape, its real tokenizer, random weights.

    python tests/e2e/make_standin.py TOKENIZER_FOLDER inputs/standin

TOKENIZER_FOLDER holds the tokenizer.json and tokenizer_config.json of a Qwen2.5 instruct model.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def make(tokenizer: Path, folder: Path) -> None:
    """Write the model folder; the same one each time.

    Args:
        tokenizer: folder of the real tokenizer, whose files are copied as they are.
        folder: the model folder to write.
    """
    import torch
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tokenizer / name, folder / name)
    # As published, but for the number of layers, of which it has 24.
    config = Qwen2Config(
        vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=2,
        num_attention_heads=14, num_key_value_heads=2, max_position_embeddings=32768,
        rms_norm_eps=1e-6, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6}, bos_token_id=151643, eos_token_id=151645,
    )  # fmt: skip
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig(
        bos_token_id=151643, pad_token_id=151643, eos_token_id=[151645, 151643]
    )
    model.save_pretrained(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
