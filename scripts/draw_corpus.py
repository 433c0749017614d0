"""Draw the pretraining or the instruct corpus of a nano world, tokenized by its chat template."""

from pathlib import Path
from typing import Any


def main(*, tokenizer: list[Path], corpus: Path, settings: dict[str, Any]) -> None:
    """Write a corpus: text, token_ids and loss_mask per document.

    Args:
        tokenizer: the tokenizer's files.
        corpus: output, parquet.
        settings: `phase` (`pretraining` or `instruct`), `recipe` of its corpus, `seed` of the world model.
    """
    from collections.abc import Callable

    from forewarn.files import write_table
    from forewarn.models.load import load_tokenizer
    from forewarn.world.corpus import instruct_documents, pretraining_documents
    from forewarn.world.tokenizer import tokenized

    phases: dict[str, Callable[..., Any]] = {
        "pretraining": pretraining_documents,
        "instruct": instruct_documents,
    }
    draw = phases[settings["phase"]]
    documents = draw(**settings["recipe"], seed=settings["seed"])
    write_table(corpus, tokenized(documents, load_tokenizer(tokenizer[0].parent)))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
