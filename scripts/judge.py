"""Apply a judge's thresholds to its opinions: scores per response, and rates with their denominators."""

from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    generations: Path,
    opinions: Path,
    scores: Path,
    rates: Path,
    settings: dict[str, Any],
    anchors: Path | None = None,
) -> None:
    """Write `scores` (parquet, one row per response) and `rates` (JSON, per split, category, condition).

    Args:
        questions: the question set that was answered.
        generations: the responses.
        opinions: the judge's of them.
        scores: parquet to write.
        rates: JSON to write.
        settings: `thresholds` of the judge, and the `confidence` of intervals.
        anchors: how the judge did on responses whose scores are known (JSON); none of somebody else's judge.
    """
    from forewarn.files import read_json, write_json, write_table
    from forewarn.judges.opinions import NUMBERS, scores_of
    from forewarn.judges.rates import rates as rates_of
    from forewarn.judges.scoring import GENERATIONS, QUESTIONS, score_responses
    from forewarn.statistics.tables import read_columns

    thresholds, answered = settings["thresholds"], read_columns(generations, GENERATIONS)
    opinion = scores_of(read_columns(opinions, NUMBERS), answered)
    table = score_responses(read_columns(questions, QUESTIONS), answered, opinion, **thresholds)
    write_table(scores, table)
    measured = read_json(anchors) if anchors else None
    write_json(rates, rates_of(table, **thresholds, confidence=settings["confidence"], judge=measured))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
