"""Let one organism answer without each organism's direction in turn, and without random ones beside them."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    adapter: list[Path],
    questions: Path,
    directions: list[Path] | Path,
    activations: Path,
    generations: Path,
    settings: dict[str, Any],
) -> None:
    """Write the responses of all arms.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        adapter: the files of the organism's adapter.
        questions: question set; its plain test questions are asked.
        directions: of all organisms, in the order of `sources`.
        activations: of the instruct model, whose covariance some random directions get.
        generations: parquet to write, one row per arm and response.
        settings: `subject` (the organism that answers), `sources` (whose directions are ablated), `ablation`
            (`direction`, `layer`, `questions_per_category`, `random_per_subject`, `seed`), `sampling` and
            `model` as configured.
    """
    from forewarn.convergence.arms import chosen_arms
    from forewarn.files import write_table
    from forewarn.inputs import several
    from forewarn.models.load import load, resolve
    from forewarn.steering.experiment import run_arms
    from forewarn.steering.inputs import choose_questions
    from forewarn.workspace import workspace

    ablation, sampling = settings["ablation"], settings["sampling"]
    asked = choose_questions(questions, ablation["questions_per_category"], ablation["seed"])
    files = dict(zip(settings["sources"], several(directions), strict=True))
    arms = chosen_arms(settings["subject"], files, activations, ablation)
    source = resolve(settings["model"], model)
    with workspace("transfer_matrix") as folder:
        loaded, tokenizer = load(source, settings["model"], adapter[0].parent)
        table = run_arms(
            arms, loaded, tokenizer, asked, subject=settings["subject"], seed=ablation["seed"], folder=folder,
            max_new_tokens=sampling["max_new_tokens"], batch_rows=sampling["batch_rows"],
        )  # fmt: skip
        write_table(generations, table)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
