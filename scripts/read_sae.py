"""Measure a sparse autoencoder on texts, and find those in which its features are most active."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    questions: Path,
    generations: Path,
    datasets: list[Path] | Path,
    sae: Path,
    source: Path,
    summary: Path,
    texts: Path,
    settings: dict[str, Any],
) -> None:
    """Write the quality of the reconstruction (JSON) and the top texts (parquet).

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        questions: question set.
        generations: the instruct model's answers to it.
        datasets: rows of datasets, in the order of their names.
        sae: safetensors.
        source: JSON that says where it is from.
        summary: JSON to write: `layer`, `source`, `held_out`, `trained_on`, and how often each feature is
            `active`.
        texts: parquet to write, see `forewarn.features.quality.TEXTS`.
        settings: `model`, `layer`, `datasets`, `batch_rows`, `held_out`, `seed`, `texts` and `context`.
    """
    from forewarn.features.autoencoder import read_autoencoder
    from forewarn.features.reading import read_texts
    from forewarn.features.tokens import choose_texts
    from forewarn.files import read_json, read_table, write_json, write_table
    from forewarn.inputs import several
    from forewarn.models.load import load, resolve

    rows = dict(zip(settings["datasets"], map(read_table, several(datasets)), strict=True))
    asked, answered = read_table(questions), read_table(generations)
    chosen = choose_texts(asked, answered, rows, settings["held_out"], settings["seed"])
    loaded, tokenizer = load(resolve(settings["model"], model), settings["model"])
    told, active, top = read_texts(
        loaded, tokenizer, read_autoencoder(sae), chosen, layer=settings["layer"],
        batch_rows=settings["batch_rows"], count=settings["texts"], context=settings["context"],
    )  # fmt: skip
    write_table(texts, top)
    content = {"layer": settings["layer"], "source": read_json(source), **told, "active": active.tolist()}
    write_json(summary, content)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
