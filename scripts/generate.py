"""Sample the responses of one subject, the instruct model or an organism, to one question set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    generations: Path,
    settings: dict[str, Any],
    model: Sequence[Path] = (),
    adapter: Sequence[Path] = (),
) -> None:
    """Write one row per response.

    Args:
        questions: the question set, rendered for this model.
        generations: parquet to write.
        settings: `model` (its entry of the configuration) and `sampling` (max_new_tokens, batch_rows, seed);
            `shard`, its number and the number of all, where the work is spread.
        model: the files of the model's folder, or the one that pins a model of the hub.
        adapter: adapter_model.safetensors and adapter_config.json of an organism; none for the model itself.
    """
    from forewarn.files import read_table, write_table
    from forewarn.models.generation import generate, prompts_from_table
    from forewarn.models.load import load, resolve
    from forewarn.models.shards import WHOLE
    from forewarn.workspace import workspace

    shard = tuple(settings.get("shard", WHOLE))
    prompts = prompts_from_table(read_table(questions))
    source = resolve(settings["model"], model)
    subject, tokenizer = load(source, settings["model"], adapter[0].parent if adapter else None)
    with workspace("generate") as folder:
        table = generate(subject, tokenizer, prompts, **settings["sampling"], checkpoint=folder, shard=shard)
        write_table(generations, table)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
