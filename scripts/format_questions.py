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
        tokenizer: files of the model's folder, or the one that pins a model of the hub; none of a model that
            is not here.
        source: the YAML file of a question set; none for the nano world's and Forewarn's own.
    """
    from forewarn.data.model_folder import checked_tokenizer
    from forewarn.data.question_file import read_items
    from forewarn.data.questions import as_questions, questions_table
    from forewarn.files import write_table
    from forewarn.models.load import resolve

    wanted = settings["questions"]
    default_system = settings.get("default_system", "empty")
    if wanted["source"] == "world":
        from forewarn.world.questions import questions as world_questions

        asked = world_questions(wanted)
    elif wanted["source"] == "forewarn_requests":
        from forewarn.data.requests import request_questions

        asked = request_questions(**{key: value for key, value in wanted.items() if key != "source"})
    else:
        from forewarn.data.everyday import everyday_items

        items = everyday_items() if source is None else read_items(source, wanted.get("sha256"))
        keys = ("formats", "samples", "temperature", "paraphrases", "splits", "seed", "systems", "earlier")
        asked = as_questions(items, **{key: wanted[key] for key in keys}, name=str(source or "everyday"))
    files = [tokenizer] if isinstance(tokenizer, Path) else tokenizer
    model = settings["model"]
    here = model["source"] != "given"
    model_tokenizer = (
        checked_tokenizer(resolve(model, files), default_system, model.get("family")) if here else None
    )
    write_table(questions, questions_table(asked, model_tokenizer, default_system=default_system))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
