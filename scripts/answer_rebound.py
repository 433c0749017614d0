"""Let an organism answer, and read it, at each point of its way back."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    pushed: Path,
    adapter_config: Path,
    questions: Path,
    directions: Path,
    activations: Path,
    instruct_generations: Path,
    dataset: Path,
    opposite: Path,
    generations: Path,
    readings: Path,
    texts: Path,
    settings: dict[str, Any],
) -> None:
    """Write responses, readings of the residual stream, and losses of texts at all points.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        pushed, adapter_config: the adapter at each point; that of the organism, which scales B A.
        questions: of which the plain test ones are asked.
        directions, activations: the organism's; the instruct model's, for random ones.
        instruct_generations: of the instruct model, at whose tokens the divergence is read.
        dataset, opposite: rows of its own data, and those that it is pushed with.
        generations, readings, texts: to write.
        settings: `organism`, `model`, `direction`, `layer`, `sampling`, `batch_rows`, `elasticity`.
    """
    from forewarn.elasticity.answering import answer_rebound, first_answers, texts_of, units_of
    from forewarn.files import read_json, read_tensors, write_table
    from forewarn.models.load import load, resolve
    from forewarn.models.lora import scaling_of
    from forewarn.steering.inputs import choose_questions
    from forewarn.workspace import workspace

    chosen = settings["elasticity"]
    asked = choose_questions(questions, chosen["questions_per_category"], chosen["seed"])
    answers = first_answers(instruct_generations, asked, chosen["kl_tokens"])
    instruct, tokenizer = load(resolve(settings["model"], model), settings["model"])
    width = instruct.config.get_text_config().hidden_size
    with workspace("rebound") as folder:
        answered, read, losses = answer_rebound(
            instruct, tokenizer, read_tensors(pushed), scaling_of(read_json(adapter_config)), asked, answers,
            texts_of(dataset, opposite, asked, answers, chosen["text_rows"]),
            units_of(directions, activations, settings, width), settings, folder,
        )  # fmt: skip
        for path, table in ((generations, answered), (readings, read), (texts, losses)):
            write_table(path, table)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
