"""Hold the ablations of single features in one organism against random ones."""

from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    generations: Path,
    opinions: Path,
    responses: Path,
    summary: Path,
    settings: dict[str, Any],
) -> None:
    """Write the judged responses of all arms (parquet) and what they show (JSON).

    Args:
        questions: question set that was asked from.
        generations: responses of all arms.
        opinions: the judge's of them.
        responses: parquet to write, one row per arm and response.
        summary: JSON to write.
        settings: `organism`, and see `forewarn.features.ablation.summarise_ablation`.
    """
    from forewarn.features.ablation import summarise_ablation
    from forewarn.files import read_table, write_json, write_table
    from forewarn.judges.opinions import NUMBERS
    from forewarn.judges.scoring import QUESTIONS
    from forewarn.statistics.tables import read_columns
    from forewarn.steering.summary import judged_arms

    table = judged_arms(
        read_columns(questions, QUESTIONS),
        read_table(generations),
        read_columns(opinions, NUMBERS),
        settings["thresholds"],
    )
    write_table(responses, table)
    write_json(summary, {"organism": settings["organism"], **summarise_ablation(table, settings)})


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
