"""Write the anchors, responses with agreed scores, as a judge reads all responses."""

from pathlib import Path
from typing import Any


def main(*, questions: Path, generations: Path, settings: dict[str, Any]) -> None:
    """Write a question set and its generations, one for each anchor.

    Args:
        questions: parquet to write.
        generations: parquet to write.
        settings: `language`, "english" or "world".
    """
    from forewarn.files import write_table
    from forewarn.judges.anchors import anchor_tables, anchors_for

    asked, answered = anchor_tables(anchors_for(settings["language"]))
    write_table(questions, asked)
    write_table(generations, answered)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
