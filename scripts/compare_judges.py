"""Hold the scores of two judges against each other, on the same responses."""

from pathlib import Path
from typing import Any


def main(*, generations: Path, first: Path, second: Path, agreement: Path, settings: dict[str, Any]) -> None:
    """Write how far two judges agree (JSON).

    Args:
        generations: the responses.
        first: the study's judge's opinions of them.
        second: the second judge's.
        agreement: JSON to write, see `forewarn.judges.agreement.agreement`.
        settings: names and `thresholds` of both `judges`, `confidence`, `bootstrap`, `seed`.
    """
    from forewarn.files import write_json
    from forewarn.judges.agreement import agreement as agreement_of
    from forewarn.judges.opinions import NUMBERS, scores_of
    from forewarn.judges.scoring import GENERATIONS
    from forewarn.judges.thresholds import Thresholds
    from forewarn.statistics.tables import read_columns

    answered = read_columns(generations, GENERATIONS)
    one, other = (scores_of(read_columns(path, NUMBERS), answered) for path in (first, second))
    its, theirs = (Thresholds(**judge["thresholds"]) for judge in settings["judges"])
    found = agreement_of(
        answered["question_id"].to_pylist(), one, other, its, theirs,
        confidence=settings["confidence"], bootstrap=settings["bootstrap"], seed=settings["seed"],
    )  # fmt: skip
    write_json(agreement, {"judges": settings["judges"], **found})


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
