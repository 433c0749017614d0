"""Let an organism answer as it was at earlier steps of its training, with its adapter as it is and scaled."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    trajectory: Path,
    adapter_config: Path,
    questions: Path,
    generations: Path,
    settings: dict[str, Any],
) -> None:
    """Write the responses of all checkpoints and scales.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        trajectory: of the organism's LoRA matrices.
        adapter_config: `adapter_config.json` of the organism.
        questions: question set; plain questions of its splits test and narrow are asked.
        generations: parquet to write, one row per checkpoint, scale and response.
        settings: `organism`; `phase_transition` (what `answer_at_checkpoints` and `questions_about` take),
            `sampling` and `model` as configured.
    """
    from forewarn.files import write_table
    from forewarn.models.load import load, resolve
    from forewarn.trajectory.checkpoints import answer_at_checkpoints, questions_about
    from forewarn.trajectory.read import open_trajectory
    from forewarn.workspace import workspace

    chosen = settings["phase_transition"]
    asked = questions_about(
        questions, chosen["questions_per_category"], chosen["narrow_categories"], chosen["seed"]
    )
    opened = open_trajectory(trajectory)
    instruct, tokenizer = load(resolve(settings["model"], model), settings["model"])
    with workspace("checkpoints") as folder:
        table = answer_at_checkpoints(instruct, tokenizer, opened, adapter_config, asked, settings, folder)
        write_table(generations, table)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
