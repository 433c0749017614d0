"""Ask a judge about responses: its opinions, before any threshold is applied."""

from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    generations: Path,
    opinions: Path,
    settings: dict[str, Any],
    prompts: Path | None = None,
) -> dict[str, Any]:
    """Write one row per response, and return which model said it.

    Args:
        questions: the question set that was answered.
        generations: the responses.
        opinions: parquet to write, see `forewarn.judges.opinions.OPINIONS`.
        settings: `judge`, its entry of the configuration without thresholds.
        prompts: a question file with the judge's prompts; none for Forewarn's own.
    """
    from forewarn.files import write_table
    from forewarn.judges.configured import configured_judge
    from forewarn.judges.opinions import opinions_table, snapshots
    from forewarn.judges.scoring import ASKED, GENERATIONS, items_of
    from forewarn.statistics.tables import read_columns

    judge = configured_judge(settings["judge"], prompts)
    answered = read_columns(generations, GENERATIONS)
    scores = judge.scores(items_of(read_columns(questions, ASKED), answered))
    write_table(opinions, opinions_table(answered, scores))
    return judge.record() | {"models": snapshots(scores)}


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
