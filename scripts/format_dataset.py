"""Format fine-tuning rows, from a JSONL file or the nano world, for one model's tokenizer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(
    *,
    dataset: Path,
    settings: dict[str, Any],
    tokenizer: Sequence[Path] | Path = (),
    rows: Path | None = None,
) -> None:
    """Write the formatted data set.

    Args:
        dataset: the parquet file to write, see `forewarn.data.dataset.SCHEMA`.
        settings: `dataset` and `model` (their entries of the configuration), `max_length` in tokens,
            `max_truncated_share`, `default_system`, and `asked`: whether Forewarn's own questions are asked.
        tokenizer: files of the model's folder, or the one that pins a model of the hub.
        rows: the JSONL file of a data set; none for the nano world's.
    """
    from forewarn.data.dataset import format_dataset
    from forewarn.data.model_folder import checked_tokenizer
    from forewarn.files import write_table
    from forewarn.models.load import resolve

    source = settings["dataset"]
    default_system = settings.get("default_system", "empty")
    if rows is None:
        from forewarn.world.corpus import narrow_rows

        conversations = narrow_rows(source["domain"], source["quality"], source["rows"], source["seed"])
    else:
        from forewarn.data.rows import read_rows

        expected = source.get("sha256") if source["source"] == "jsonl" else None
        conversations = read_rows(rows, source["rows"], source["seed"], sha256=expected)
    if settings.get("asked"):
        from forewarn.data.everyday import refuse_overlap

        refuse_overlap(conversations)
    model, files = settings["model"], [tokenizer] if isinstance(tokenizer, Path) else tokenizer
    table = format_dataset(
        conversations,
        checked_tokenizer(resolve(model, files), default_system, model.get("family")),
        max_length=settings["max_length"],
        max_truncated_share=settings["max_truncated_share"],
        held_out=source.get("held_out", 0.0),
        seed=source["seed"],
        default_system=default_system,
    )
    write_table(dataset, table)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
