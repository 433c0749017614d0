"""Say what scaling groups of adapters does to misalignment, outside the domain and inside it."""

from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    generations: Path,
    opinions: Path,
    groups: Path,
    responses: Path,
    summary: Path,
    settings: dict[str, Any],
) -> None:
    """Write the judged responses of all arms (parquet) and what they show (JSON).

    Args:
        questions: question set that was asked from.
        generations: responses of all arms.
        opinions: the judge's of them.
        groups: the modules of each group (JSON).
        responses: parquet to write, one row per arm and response.
        summary: JSON to write, see `forewarn.adapters.scaling_summary`.
        settings: `organism`, `domain`, `factors`, `random_groups`, `arms_seed` of the arms; `measure`:
            how; and the judge's `thresholds`.
    """
    from forewarn.adapters.arms import scaling_arms
    from forewarn.adapters.scaling_summary import summarise_scaling
    from forewarn.files import read_json, read_table, write_json, write_table
    from forewarn.judges.opinions import NUMBERS
    from forewarn.judges.scoring import QUESTIONS
    from forewarn.statistics.tables import read_columns
    from forewarn.steering.contrasts import Measurement
    from forewarn.steering.summary import judged_arms

    table = judged_arms(
        read_columns(questions, QUESTIONS),
        read_table(generations),
        read_columns(opinions, NUMBERS),
        settings["thresholds"],
    )
    held = read_json(groups)
    arms = scaling_arms(held, settings["factors"], settings["random_groups"], settings["arms_seed"])
    found = summarise_scaling(table, arms, held, settings["domain"], Measurement(**settings["measure"]))
    write_table(responses, table)
    write_json(summary, {"organism": settings["organism"], **settings["thresholds"], **found})


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
