"""Say whether an organism returns, how fast, in which order over rows seen, and what returns first."""

from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    generations: Path,
    opinions: Path,
    readings: Path,
    texts: Path,
    curves: Path,
    halves: Path,
    summary: Path,
    settings: dict[str, Any],
) -> None:
    """Write `curves` (parquet, per measure, start and point), `halves` (per draw) and `summary` (JSON).

    Args:
        questions: question set that was asked from.
        generations, opinions: responses at all points, and the judge's opinions of them.
        readings, texts: what was read there.
        curves, halves: parquet to write.
        summary: JSON to write.
        settings: `organism`, `opposite` (dataset), `direction`, `layer`, `measure` and the `thresholds`.
    """
    from forewarn.elasticity.rebound import summarise_rebound
    from forewarn.elasticity.summary import against_random, beside_the_paper, compressions
    from forewarn.files import read_table, write_json, write_table
    from forewarn.judges.opinions import NUMBERS
    from forewarn.judges.scoring import QUESTIONS
    from forewarn.statistics.tables import read_columns
    from forewarn.steering.contrasts import Measurement
    from forewarn.steering.summary import judged_arms

    cuts = settings["thresholds"]
    judged = judged_arms(
        read_columns(questions, QUESTIONS), read_table(generations), read_columns(opinions, NUMBERS), cuts
    )
    how, read = Measurement(**settings["measure"]), read_table(readings)
    found, table, drawn = summarise_rebound(judged, read, how)
    head = {key: settings[key] for key in ("organism", "opposite", "direction", "layer", "measure")}
    more = {
        "against_random": against_random(read, how.confidence),
        "compression": compressions(read_table(texts), how),
        "paper": beside_the_paper(found),
    }
    write_table(curves, table)
    write_table(halves, drawn)
    write_json(summary, head | cuts | found | more)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
