"""Say what ablating refusal does to misalignment, and what ablating misalignment does to refusal."""

from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    generations: Path,
    opinions: Path,
    refusal_summary: Path,
    responses: Path,
    summary: Path,
    settings: dict[str, Any],
) -> None:
    """Write the judged responses of all arms (parquet) and what they show (JSON).

    Args:
        questions: what was asked.
        generations: responses of all arms.
        opinions: the judge's of them.
        refusal_summary: which refusal direction was ablated.
        responses: parquet to write, one row per arm and response.
        summary: JSON to write.
        settings: `organism`, `source` of the model, `misalignment` (construction and layer of the direction),
            `measure` and the judge's `thresholds`.
    """
    from forewarn.files import read_json, read_table, write_json, write_table
    from forewarn.judges.opinions import NUMBERS
    from forewarn.judges.scoring import QUESTIONS
    from forewarn.refusal.criterion import phrases_of
    from forewarn.refusal.swap_summary import summarise_swaps, with_refusals
    from forewarn.statistics.tables import read_columns
    from forewarn.steering.contrasts import Measurement
    from forewarn.steering.summary import judged_arms

    judged = judged_arms(
        read_columns(questions, QUESTIONS),
        read_table(generations),
        read_columns(opinions, NUMBERS),
        settings["thresholds"],
    )
    table = with_refusals(judged, phrases_of(settings["source"]))
    chosen = read_json(refusal_summary)
    write_table(responses, table)
    content = {key: settings[key] for key in ("organism", "misalignment", "measure")}
    refusal = {key: chosen[key] for key in ("carried", "passes", "reason")}
    found = summarise_swaps(table, Measurement(**settings["measure"]))
    write_json(summary, content | {"refusal": refusal, **settings["thresholds"], "arms": found})


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
