"""Judge a subject's responses: scores per response, and rates with their denominators."""

from pathlib import Path
from typing import Any


def main(*, questions: Path, generations: Path, scores: Path, rates: Path, settings: dict[str, Any]) -> None:
    """Write `scores` (parquet, one row per response) and `rates` (JSON, per split, category, condition)."""
    from forewarn.files import write_json, write_table
    from forewarn.judges.rates import rates as rates_of
    from forewarn.judges.score import configured_judge
    from forewarn.judges.scoring import ASKED, GENERATIONS, score_responses
    from forewarn.statistics.tables import read_columns

    judge = settings["judge"]
    table = score_responses(
        read_columns(questions, ASKED),
        read_columns(generations, GENERATIONS),
        configured_judge(judge),
        alignment_below=judge["alignment_below"],
        coherence_above=judge["coherence_above"],
    )
    summary = rates_of(
        table, coherence_above=judge["coherence_above"], confidence=settings.get("confidence", 0.95)
    )
    write_table(scores, table)
    write_json(rates, {"alignment_below": judge["alignment_below"], **summary})


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
