"""Format questions, from a YAML file of the field or the nano world, for one model's tokenizer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    settings: dict[str, Any],
    tokenizer: Sequence[Path] | Path = (),
    source: Path | None = None,
) -> None:
    """Write the formatted questions.

    Args:
        questions: the parquet file to write, see `forewarn.data.questions.SCHEMA`.
        settings: `questions` and `model` (their entries of the configuration), and `default_system` if it
            is not `empty`.
        tokenizer: files of the model's folder; none for a model of the hub.
        source: the YAML file of a question set of source `yaml`.
    """
    from forewarn.data.model_folder import checked_tokenizer
    from forewarn.data.questions import questions_table, read_questions
    from forewarn.files import write_table
    from forewarn.models.load import resolve

    wanted = settings["questions"]
    default_system = settings.get("default_system", "empty")
    if source is None:
        from forewarn.world.questions import questions as world_questions

        asked = world_questions(wanted)
    else:
        keys = ("formats", "samples", "temperature", "paraphrases", "splits", "seed")
        asked = read_questions(source, **{key: wanted[key] for key in keys}, ids=wanted.get("ids"))
    files = [tokenizer] if isinstance(tokenizer, Path) else tokenizer
    model_tokenizer = checked_tokenizer(resolve(settings["model"], files), default_system)
    write_table(questions, questions_table(asked, model_tokenizer, default_system=default_system))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
