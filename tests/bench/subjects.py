"""What the benchmarks run on: a model folder, or a random model of nano's shape built in place."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY / "tests")]

NANO = {
    "hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 6, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 512, "sliding_window": 24, "initializer_range": 0.02,
}  # fmt: skip
VOCABULARY = 1700
STOP_EVERY = 27  # a random model never ends a turn by itself: here one token in so many does


def arguments(description: str) -> argparse.ArgumentParser:
    """The options that all benchmarks share."""
    parser = argparse.ArgumentParser(description=description)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", type=Path, help="a Hugging Face model folder")
    which.add_argument("--random", action="store_true", help="a random model of nano's shape")
    parser.add_argument("--questions", type=int, default=32)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--max-new-tokens", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    return parser


def load_subject(folder: Path | None):
    """Model, tokenizer and the tokens that end a turn."""
    from forewarn.models.generation import end_of_turn_ids
    from forewarn.models.load import load
    from tiny_models import save_folder, tiny_model, tiny_tokenizer

    if folder is not None:
        model, tokenizer = load(folder, {})
        return model, tokenizer, end_of_turn_ids(model, tokenizer)
    with tempfile.TemporaryDirectory() as place:
        nano = tiny_model("qwen2_sliding", vocabulary=VOCABULARY, **NANO)
        model, tokenizer = load(save_folder(nano, tiny_tokenizer(), Path(place)), {})
    return model, tokenizer, frozenset(range(2, VOCABULARY, STOP_EVERY))


def prompts(model, tokenizer, count: int, *, random_tokens: bool, shortest: int = 30, longest: int = 110):
    """Token ids of `count` prompts of mixed length: chat turns, or random tokens for a random model."""
    from tiny_models import SENTENCES, chat

    rng = random.Random(0)
    if random_tokens:
        return [
            tuple(rng.randrange(3, VOCABULARY) for _ in range(rng.randint(shortest, longest)))
            for _ in range(count)
        ]
    return [
        tuple(chat(tokenizer, " ".join(rng.choices(SENTENCES, k=rng.randint(1, 4))))) for _ in range(count)
    ]
