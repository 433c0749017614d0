"""Read the scalars of an organism's rank-1 adapters at the tokens of its answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    generations: Path,
    adapter: Sequence[Path],
    scalars: Path,
    settings: dict[str, Any],
    model: Sequence[Path] = (),
) -> None:
    """Write one row per token.

    Args:
        questions: the question set, rendered for this model.
        generations: the organism's answers.
        adapter: its adapter_model.safetensors and adapter_config.json.
        scalars: parquet to write, see `forewarn.adapters.scalars.scalar_schema`.
        settings: `model` (its entry of the configuration) and `batch_rows`.
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
    """
    from forewarn.adapters.capture import capture_scalars
    from forewarn.adapters.modules import rank1_modules
    from forewarn.files import read_table, write_table
    from forewarn.models.load import load, resolve
    from forewarn.models.lora import read_factors
    from forewarn.models.requests import requests_from_tables
    from forewarn.workspace import workspace

    factors = read_factors(adapter[0].parent)
    rank1_modules(factors)  # another rank is refused before the model is loaded
    requests = requests_from_tables(read_table(questions), read_table(generations))
    source = resolve(settings["model"], model)
    with workspace("adapter-scalars") as folder:
        reader, _ = load(source, settings["model"], adapter[0].parent)
        rows = settings["batch_rows"]
        write_table(scalars, capture_scalars(reader, requests, factors, batch_rows=rows, checkpoint=folder))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
