"""Let a model answer under interventions with one organism's direction, and with random ones beside it."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    questions: Path,
    directions: Path,
    activations: Path,
    generations: Path,
    settings: dict[str, Any],
    adapter: list[Path] | None = None,
) -> None:
    """Write the responses of all arms.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        questions: question set; its plain test questions are asked.
        directions: the organism's directions.
        activations: of the instruct model, whose covariance some random directions get.
        generations: parquet to write, one row per arm and response.
        settings: `operation` (`add` or `ablate`), `steering`, `sampling` and `model` as configured.
        adapter: the files of the organism's adapter, for `ablate`; none for `add`.
    """
    from forewarn.files import write_table
    from forewarn.models.load import load, resolve
    from forewarn.steering.study import steer
    from forewarn.workspace import workspace

    source = resolve(settings["model"], model)
    with workspace(f"steer-{settings['operation']}") as folder:
        subject, tokenizer = load(source, settings["model"], adapter[0].parent if adapter else None)
        table = steer(subject, tokenizer, questions, directions, activations, settings, folder)
        write_table(generations, table)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
