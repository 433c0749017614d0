"""Let organisms answer that were trained with a direction added, without it."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    adapters: list[Path] | Path,
    adapter_configs: list[Path] | Path,
    questions: Path,
    generations: Path,
    settings: dict[str, Any],
) -> None:
    """Write the responses of the instruct model and of all training runs.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        adapters: `adapter_model.safetensors` of each training run, in the order of `runs`.
        adapter_configs: `adapter_config.json` beside each.
        questions: question set; plain questions of its splits test and narrow are asked.
        generations: parquet to write, one row per arm and response.
        settings: `runs`, `model`, `questions` (see `forewarn.trajectory.checkpoints.questions_about`), and
            what `forewarn.screening.answers.answer_prevented` takes.
    """
    from forewarn.files import write_table
    from forewarn.inputs import several
    from forewarn.models.load import load, resolve
    from forewarn.screening.answers import answer_prevented
    from forewarn.trajectory.checkpoints import questions_about
    from forewarn.workspace import workspace

    asked = questions_about(questions, **settings["questions"])
    folders = dict(zip(settings["runs"], (each.parent for each in several(adapters)), strict=True))
    instruct, tokenizer = load(resolve(settings["model"], model), settings["model"])
    with workspace("prevention-answers") as folder:
        write_table(generations, answer_prevented(instruct, tokenizer, folders, asked, settings, folder))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
