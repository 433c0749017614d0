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
        settings: `organism`, `direction`, `layer`, `swaps`, `sampling` and `model` as configured.
    """
    from functools import partial

    from forewarn.files import write_table
    from forewarn.models.load import load, resolve
    from forewarn.refusal.projection import refusal_direction
    from forewarn.refusal.swaps import INSTRUCT, run_swaps, swap_arms, swap_questions
    from forewarn.steering.inputs import random_directions, read_direction
    from forewarn.workspace import workspace

    swaps, organism = settings["swaps"], settings["organism"]
    everything, asked = swap_questions(evaluation, requests, swaps)
    found = refusal_direction(refusal, refusal_summary)
    misaligned = read_direction(directions, settings["direction"], settings["layer"])
    draw = partial(
        random_directions, activations, settings["layer"], n_isotropic=swaps["random_isotropic"],
        n_covariance=swaps["random_covariance"], seed=swaps["seed"],
    )  # fmt: skip
    arms = swap_arms(misaligned, None if found is None else found[0], draw)
    source = resolve(settings["model"], model)
    folders = {organism: adapter[0].parent, INSTRUCT: None}
    loaders = {name: partial(load, source, settings["model"], folder) for name, folder in folders.items()}
    with workspace("refusal-swaps") as folder:
        sampling = settings["sampling"] | {"seed": swaps["seed"]}
        table = run_swaps(organism, loaders, arms, everything, asked, sampling, folder)
        write_table(generations, table)
        write_table(questions, everything)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
