"""Put the responses of all shards together."""

from pathlib import Path


def main(*, questions: Path, shards: list[Path], generations: Path) -> None:
    """Write one row per response, as one job would have written them.

    Args:
        questions: the question set, rendered for this model.
        shards: responses to parts of it.
        generations: parquet to write.
    """
    from forewarn.files import read_table, write_table
    from forewarn.models.generation import merge, prompts_from_table

    prompts = prompts_from_table(read_table(questions))
    write_table(generations, merge([read_table(shard) for shard in shards], prompts))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
