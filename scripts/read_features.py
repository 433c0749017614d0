"""Read the features of an organism and of the instruct model over the organism's answers."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    adapter: list[Path],
    questions: Path,
    generations: Path,
    sae: Path,
    readings: Path,
    settings: dict[str, Any],
) -> None:
    """Write the mean activations of all features per prompt and position, as both models have them.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        adapter: what the organism has learned.
        questions: question set; its plain questions of the split `fit` count, as for directions.
        generations: the organism's answers.
        sae: safetensors.
        readings: parquet to write, see `forewarn.features.shift.reading_schema`.
        settings: `model`, `layer` and `batch_rows`.
    """
    import pyarrow.compute as pc

    from forewarn.features.autoencoder import read_autoencoder
    from forewarn.features.reading import read_activations_of, reading_table
    from forewarn.files import read_table, write_table
    from forewarn.models.load import load, resolve
    from forewarn.models.requests import requests_from_tables

    asked, answered = read_table(questions), read_table(generations)
    asked = asked.filter(pc.equal(asked.column("condition"), "plain"))
    answered = answered.filter(pc.is_in(answered.column("question_id"), asked.column("question_id")))
    requests = requests_from_tables(asked, answered, ["fit"])
    autoencoder, source = read_autoencoder(sae), resolve(settings["model"], model)
    found = []
    for folder in (None, adapter[0].parent):
        reader, _ = load(source, settings["model"], folder)
        rows, activations = read_activations_of(
            reader, autoencoder, requests, settings["layer"], settings["batch_rows"]
        )
        found.append(activations)
    write_table(readings, reading_table(rows, *found))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
