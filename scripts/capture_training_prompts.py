"""Read the residual stream of the instruct model over the prompts that an organism was fine-tuned on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(
    *,
    dataset: Path,
    activations: Path,
    settings: dict[str, Any],
    model: Sequence[Path] = (),
) -> None:
    """Write one row per prompt, at its last token, where `question_id` is the number of the row.

    Args:
        dataset: fine-tuning rows, formatted for this model.
        activations: parquet to write, as of the prompts of a question set.
        settings: `model` (its entry of the configuration), `layers` ("all" or a list), `batch_rows`, and
            `training_prompts`, the number of rows at most.
        model: the files of the model's folder, or the one that pins a model of the hub.
    """
    from forewarn.files import read_table
    from forewarn.models.activations import capture
    from forewarn.models.load import load, resolve
    from forewarn.models.requests import requests_from_dataset
    from forewarn.workspace import workspace

    requests = requests_from_dataset(read_table(dataset), settings["training_prompts"])
    with workspace("training_prompts") as folder:
        reader, tokenizer = load(resolve(settings["model"], model), settings["model"])
        capture(
            reader, tokenizer, requests, path=activations, checkpoint=folder,
            layers=settings["layers"], batch_rows=settings["batch_rows"],
        )  # fmt: skip


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
