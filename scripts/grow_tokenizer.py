"""Fix what a nano model is before it learns anything: its tokenizer and its configuration."""

from pathlib import Path
from typing import Any


def main(
    *,
    config: Path,
    tokenizer: Path,
    tokenizer_config: Path,
    chat_template: Path,
    settings: dict[str, Any],
) -> None:
    """Train the tokenizer on the pretraining corpus, and write the model's configuration beside it.

    Args:
        config: output, config.json of the model.
        tokenizer: output, tokenizer.json, in the same folder.
        tokenizer_config: output, tokenizer_config.json, in the same folder.
        chat_template: output, chat_template.jinja, in the same folder.
        settings: `architecture`, `corpus`, `vocabulary` and `seed` of the world model.
    """
    from forewarn.world.architecture import configuration
    from forewarn.world.corpus import pretraining_documents
    from forewarn.world.tokenizer import train_tokenizer

    documents = pretraining_documents(**settings["corpus"], seed=settings["seed"])
    trained = train_tokenizer(documents, settings["vocabulary"])
    trained.save_pretrained(tokenizer.parent)
    configuration(settings["architecture"], trained).save_pretrained(config.parent)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
