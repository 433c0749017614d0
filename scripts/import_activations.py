"""Take activations that somebody else captured into a study."""

from pathlib import Path
from typing import Any


def main(*, given: Path, questions: Path, activations: Path, settings: dict[str, Any]) -> None:
    """Write them, checked.

    Args:
        given: the parquet file of others, in the schema of activations.
        questions: the question set that was asked.
        activations: parquet to write.
        settings: `sha256` of the file; `prompts`, whether it holds prompts (else responses); `splits`.
    """
    from forewarn.data.download import check_file
    from forewarn.files import read_table, write_table
    from forewarn.geometry.given import checked_activations

    if settings["sha256"] is not None:
        check_file(given, settings["sha256"])
    table = checked_activations(given, read_table(questions), settings["prompts"], settings["splits"])
    write_table(activations, table)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
