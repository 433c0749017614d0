"""Let an organism and the instruct model answer with refusal ablated, or with misalignment ablated."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    adapter: list[Path],
    evaluation: Path,
    requests: Path,
    directions: Path,
    refusal: Path,
    refusal_summary: Path,
    activations: Path,
    generations: Path,
    questions: Path,
    settings: dict[str, Any],
) -> None:
    """Write the responses of all arms, and the questions that were asked.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        adapter: what the organism has learned.
        evaluation: question set; its plain test questions are asked.
        requests: question set; its test requests are asked.
        directions: the organism's directions.
        refusal: the refusal directions.
        refusal_summary: JSON beside them.
        activations: of the instruct model, whose covariance some random directions get.
        generations: parquet to write, one row per arm and response.
        questions: parquet to write.
        settings: `organism`, `direction`, `layer`, `swaps`, `sampling` and `model`.
    """
    from functools import partial

    from forewarn.files import write_table
    from forewarn.models.load import load, resolve
    from forewarn.refusal.swaps import INSTRUCT, arms_of, run_swaps, swap_questions
    from forewarn.workspace import workspace

    organism = settings["organism"]
    everything, asked = swap_questions(evaluation, requests, settings["swaps"])
    arms = arms_of(directions, refusal, refusal_summary, activations, settings)
    source = resolve(settings["model"], model)
    folders = {organism: adapter[0].parent, INSTRUCT: None}
    loaders = {name: partial(load, source, settings["model"], folder) for name, folder in folders.items()}
    with workspace("refusal-swaps") as folder:
        table = run_swaps(organism, loaders, arms, everything, asked, settings["sampling"], folder)
        write_table(generations, table)
        write_table(questions, everything)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
