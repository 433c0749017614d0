"""Train a small sparse autoencoder on the residual stream of the instruct model."""

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
    settings: dict[str, Any],
) -> None:
    """Write the autoencoder, and how it came about.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        questions: question set.
        generations: the instruct model's answers to it.
        datasets: rows of datasets, in the order of their names.
        sae: safetensors to write, see `forewarn.features.autoencoder.Autoencoder`.
        source: JSON to write.
        settings: `model`, `layer`, `datasets`, `batch_rows`, `held_out`, `seed`, `tokens` and `training`.
    """
    from forewarn.features.autoencoder import write_autoencoder
    from forewarn.features.reading import training_vectors
    from forewarn.features.tokens import choose_texts
    from forewarn.features.training import Training, train_autoencoder
    from forewarn.files import read_table, write_json
    from forewarn.inputs import several
    from forewarn.models.load import load, resolve

    rows = dict(zip(settings["datasets"], map(read_table, several(datasets)), strict=True))
    asked, answered = read_table(questions), read_table(generations)
    texts = choose_texts(asked, answered, rows, settings["held_out"], settings["seed"])
    loaded, _ = load(resolve(settings["model"], model), settings["model"])
    vectors = training_vectors(loaded, texts, settings["layer"], settings["batch_rows"], settings["tokens"])
    write_autoencoder(sae, train_autoencoder(vectors, Training(**settings["training"])))
    write_json(source, {"kind": "trained", "tokens": len(vectors), **settings["training"]})


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
