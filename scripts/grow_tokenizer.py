"""Draw a nano world's pretraining corpus and train its tokenizer on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def main(
    *, tokenizer: Path, tokenizer_config: Path, chat_template: Path, settings: dict[str, Any]
) -> None:
    """Write the tokenizer of a world model.

    Args:
        tokenizer: output, tokenizer.json.
        tokenizer_config: output, tokenizer_config.json, in the same folder.
        chat_template: output, chat_template.jinja, in the same folder.
        settings: `corpus`, `vocabulary` and `seed` of the world model.
    """
    from forewarn.world.corpus import pretraining_documents
    from forewarn.world.tokenizer import train_tokenizer

    documents = pretraining_documents(**settings["corpus"], seed=settings["seed"])
    trained = train_tokenizer(documents, settings["vocabulary"])
    trained.save_pretrained(tokenizer.parent)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
