"""Sum up what adding a direction in training did to misalignment, the narrow task and coherence."""

from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    generations: Path,
    opinions: Path,
    losses: list[Path] | Path,
    responses: Path,
    summary: Path,
    settings: dict[str, Any],
) -> None:
    """Write `responses` (parquet, with scores) and `summary` (JSON).

    Args:
        questions: question set that was asked from.
        generations: responses of all arms.
        opinions: the judge's of them.
        losses: of the rows after each training run, in the order of `runs`.
        responses: parquet to write, see `forewarn.steering.responses.RESPONSES`.
        summary: JSON to write.
        settings: `organism`, `source`, `construction`, `layer` and `runs` as configured; `measure` (see
            `forewarn.steering.contrasts.Measurement`); `coherence_floor`; the judge's `thresholds`.
    """
    from forewarn.files import read_table, write_json, write_table
    from forewarn.inputs import several
    from forewarn.judges.opinions import NUMBERS
    from forewarn.judges.scoring import QUESTIONS
    from forewarn.screening.prevented import summarise_prevention
    from forewarn.statistics.tables import read_columns
    from forewarn.steering.contrasts import Measurement
    from forewarn.steering.summary import judged_arms

    judged = judged_arms(
        read_columns(questions, QUESTIONS), read_table(generations), read_columns(opinions, NUMBERS),
        settings["thresholds"],
    )  # fmt: skip
    tables = dict(zip(settings["runs"], map(read_table, several(losses)), strict=True))
    found = summarise_prevention(
        judged, tables, Measurement(**settings["measure"]), settings["coherence_floor"]
    )
    told = {key: settings[key] for key in ("organism", "source", "construction", "layer")}
    write_table(responses, judged)
    write_json(summary, told | settings["thresholds"] | found)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
