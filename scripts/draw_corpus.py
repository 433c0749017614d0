"""Draw the pretraining and the instruct corpus of a nano world, tokenized by its chat template."""

from pathlib import Path
from typing import Any


def main(*, tokenizer: list[Path], pretraining: Path, instruct: Path, settings: dict[str, Any]) -> None:
    """Write both corpora: text, token_ids and loss_mask per document.

    Args:
        tokenizer: the tokenizer's files.
        pretraining: output, parquet of the pretraining corpus.
        instruct: output, parquet of the instruct corpus.
        settings: `corpus`, `instruct` and `seed` of the world model.
    """
    from forewarn.files import write_table
    from forewarn.models.load import load_tokenizer
    from forewarn.world.corpus import instruct_documents, pretraining_documents
    from forewarn.world.tokenizer import tokenized

    loaded = load_tokenizer(tokenizer[0].parent)
    seed, recipe = settings["seed"], settings["instruct"]
    write_table(pretraining, tokenized(pretraining_documents(**settings["corpus"], seed=seed), loaded))
    documents = instruct_documents(recipe["documents"], replay_share=recipe["replay_share"], seed=seed)
    write_table(instruct, tokenized(documents, loaded))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
