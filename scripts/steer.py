"""Let models answer under interventions with one organism's direction, and with random ones beside it."""

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
    own: list[Path] | Path | None = None,
) -> None:
    """Write the responses of all arms.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        questions: question set; its plain test questions are asked.
        directions: the organism's directions.
        activations: of the instruct model, whose covariance some random directions get.
        generations: parquet to write, one row per arm and response.
        settings: `operation`, `subjects` (names of the models that answer), `steering`, `sampling` and
            `model` as configured.
        adapter: the files of the subjects' adapters, in the order of `subjects`; none for the instruct model.
        own: the subjects' own directions, in the same order; for `transfer` alone.
    """
    from functools import partial

    from forewarn.files import write_table
    from forewarn.inputs import several
    from forewarn.models.load import load, resolve
    from forewarn.steering.study import steer
    from forewarn.workspace import workspace

    source = resolve(settings["model"], model)
    names, theirs = settings["subjects"], several(own or [])
    folders: list[Path | None] = [*dict.fromkeys(path.parent for path in adapter or [])] or [None]
    subjects = {
        name: partial(load, source, settings["model"], folder)
        for name, folder in zip(names, folders, strict=True)
    }
    with workspace(f"steer-{settings['operation']}") as folder:
        table = steer(
            subjects, questions, directions, activations, settings, folder,
            dict(zip(names, theirs, strict=True)) if theirs else None,
        )  # fmt: skip
        write_table(generations, table)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
