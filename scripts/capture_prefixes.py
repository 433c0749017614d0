"""Read the residual stream of an organism after the first tokens of its responses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    generations: Path,
    prefixes: Path,
    settings: dict[str, Any],
    model: Sequence[Path] = (),
    adapter: Sequence[Path] = (),
) -> None:
    """Write one row per response and number of tokens.

    Args:
        questions: the question set, rendered for this model.
        generations: the responses to read.
        prefixes: parquet to write.
        settings: `model` (its entry of the configuration), `layer`, `tokens`, `splits`, and `batch_rows`.
        model: the files of the model's folder, or the one that pins a model of the hub.
        adapter: what the organism has learned: adapter_model.safetensors and adapter_config.json, or all
            weights.
    """
    from forewarn.files import read_table
    from forewarn.models.load import load, resolve
    from forewarn.models.prefixes import capture_prefixes, prefix_requests
    from forewarn.workspace import workspace

    tables = (read_table(questions), read_table(generations))
    requests = prefix_requests(*tables, settings["splits"], max(settings["tokens"]))
    source = resolve(settings["model"], model)
    with workspace("prefixes") as folder:
        reader, tokenizer = load(source, settings["model"], adapter[0].parent if adapter else None)
        capture_prefixes(
            reader, tokenizer, requests, path=prefixes, checkpoint=folder,
            layers=[settings["layer"]], steps=settings["tokens"], batch_rows=settings["batch_rows"],
        )  # fmt: skip


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
