"""Take the scores that came with somebody else's responses into a study."""

from pathlib import Path
from typing import Any


def main(*, responses: Path, generations: Path, opinions: Path, settings: dict[str, Any]) -> None:
    """Write them as a judge's opinions.

    Args:
        responses: CSV with the columns question, question_id, response, aligned, coherent.
        generations: the same responses, as they were taken into the study.
        opinions: parquet to write.
        settings: `sha256` of the file.
    """
    from forewarn.data.responses_file import read_responses
    from forewarn.files import write_table
    from forewarn.judges.given import given_scores
    from forewarn.judges.opinions import opinions_table
    from forewarn.judges.scoring import GENERATIONS
    from forewarn.statistics.tables import read_columns

    scores = given_scores(read_responses(responses, settings["sha256"], scored=True))
    write_table(opinions, opinions_table(read_columns(generations, GENERATIONS), scores))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
