"""Let the instruct model answer the prompts of a dataset, and read its answers and the dataset's."""

from pathlib import Path
from typing import Any


def main(
    *, model: list[Path], dataset: Path, answers: Path, activations: Path, settings: dict[str, Any]
) -> None:
    """Write the model's answers, and the mean activation over each answer.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        dataset: fine-tuning rows, formatted for this model.
        answers: parquet to write, generations whose `question_id` is the number of the row.
        activations: parquet to write, as of a subject's answers; sample 0 is the dataset's answer.
        settings: `model` (its entry of the configuration), `rows` at most, `layer`, `read_rows` (texts read
            at once), and what `forewarn.screening.read.own_answers` takes as `answering`.
    """
    from forewarn.chat.template import end_of_turn_ids
    from forewarn.files import read_table, write_table
    from forewarn.models.activations import capture
    from forewarn.models.load import load, resolve
    from forewarn.screening.read import both_answers, own_answers
    from forewarn.screening.rows import taught_answers
    from forewarn.workspace import workspace

    loaded, tokenizer = load(resolve(settings["model"], model), settings["model"])
    taught = taught_answers(read_table(dataset), settings["rows"], end_of_turn_ids(tokenizer))
    with workspace("screening") as folder:
        own = own_answers(loaded, tokenizer, taught, checkpoint=folder, **settings["answering"])
        write_table(answers, own)
        capture(
            loaded, tokenizer, both_answers(taught, own), path=activations, checkpoint=folder,
            layers=[settings["layer"]], batch_rows=settings["read_rows"],
        )  # fmt: skip


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
