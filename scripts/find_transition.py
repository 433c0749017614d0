"""Find where an adapter's path turns and when misalignment sets in, beside a benign fine-tune."""

from pathlib import Path
from typing import Any


def main(
    *,
    trajectory: Path,
    training: Path,
    directions: Path,
    direction_summary: Path,
    activations: Path,
    questions: Path,
    generations: Path,
    opinions: Path,
    path: Path,
    behaviour: Path,
    summary: Path,
    settings: dict[str, Any],
    benign_trajectory: Path | None = None,
    benign_generations: Path | None = None,
    benign_opinions: Path | None = None,
) -> None:
    """Write `path` (parquet, per step), `behaviour` (parquet, per checkpoint) and `summary` (JSON).

    Args:
        trajectory, training, directions, direction_summary: of the organism.
        activations: of the instruct model, whose covariance some random directions get.
        questions: question set that was asked from.
        generations, opinions: responses of the organism's checkpoints, and the judge's opinions of them.
        benign_trajectory, benign_generations, benign_opinions: of the benign one; None if it is this one.
        path, behaviour: tables to write, see `SCHEMA` of `forewarn.trajectory.geometry` and `.behaviour`.
        summary: JSON to write.
        settings: `organism`, `phase_transition` as configured, and the judge's `thresholds`.
    """
    from forewarn.files import read_table, write_json, write_table
    from forewarn.judges.opinions import NUMBERS
    from forewarn.judges.scoring import QUESTIONS
    from forewarn.statistics.tables import read_columns
    from forewarn.steering.summary import judged_arms
    from forewarn.trajectory.summary import phase_transition

    asked, cuts = read_columns(questions, QUESTIONS), settings["thresholds"]
    pairs = ((generations, opinions), (benign_generations or generations, benign_opinions or opinions))
    own, benign = (judged_arms(asked, read_table(a), read_columns(o, NUMBERS), cuts) for a, o in pairs)
    content, geometry, rates = phase_transition(
        trajectory, benign_trajectory or trajectory, training, directions, direction_summary, activations,
        own, benign, settings,
    )  # fmt: skip
    write_table(path, geometry)
    write_table(behaviour, rates)
    write_json(summary, content)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
