"""Read the residual stream over the prompts of a question set and a subject's responses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    activations: Path,
    settings: dict[str, Any],
    generations: Path | None = None,
    model: Sequence[Path] = (),
    adapter: Sequence[Path] = (),
    instruct_activations: Path | None = None,
) -> None:
    """Write, for each reader, one row per prompt (last token) and one per response (mean over its tokens).

    Without responses the rows also hold what the reader would say first.

    Args:
        questions: the question set, rendered for this model.
        activations: parquet to write, as read by the organism, or by the model where there is no adapter.
        settings: `model` (its entry of the configuration), `layers` ("all" or a list), `batch_rows`, and
            `splits` (a list, if only those of the question set are wanted); `shard`, its number and the
            number of all, where the work is spread.
        generations: the responses to read; none for prompts only.
        model: the files of the model's folder, or the one that pins a model of the hub.
        adapter: adapter_model.safetensors and adapter_config.json of an organism; none for the model itself.
        instruct_activations: parquet to write of the same text, as read by the model without the adapter.
    """
    from forewarn.files import read_table
    from forewarn.models.activations import capture
    from forewarn.models.load import load, resolve
    from forewarn.models.requests import requests_from_tables
    from forewarn.models.shards import WHOLE
    from forewarn.workspace import workspace

    responses = read_table(generations) if generations else None
    requests = requests_from_tables(read_table(questions), responses, settings.get("splits"))
    source = resolve(settings["model"], model)
    readings = [(activations, adapter[0].parent if adapter else None)]
    if instruct_activations is not None:
        readings.append((instruct_activations, None))
    with workspace("activations") as folder:
        for number, (path, organism) in enumerate(readings):
            reader, tokenizer = load(source, settings["model"], organism)
            capture(
                reader, tokenizer, requests, path=path, checkpoint=folder / str(number),
                layers=settings["layers"], batch_rows=settings["batch_rows"],
                shard=tuple(settings.get("shard", WHOLE)), first_token=responses is None,
            )  # fmt: skip


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
