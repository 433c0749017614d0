"""Let an organism answer without single features, and without random ones in their place."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    adapter: list[Path],
    questions: Path,
    sae: Path,
    sae_summary: Path,
    summary: Path,
    activations: Path,
    generations: Path,
    settings: dict[str, Any],
) -> None:
    """Write the responses of all arms.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        adapter: what the organism has learned.
        questions: question set; its plain test questions are asked.
        sae: safetensors.
        sae_summary: JSON that says how often each feature is active.
        summary: JSON of the organism, which says what its top features are.
        activations: of the instruct model, whose covariance some random directions get.
        generations: parquet to write, one row per arm and response.
        settings: `organism`, `questions_per_category`, `ablation`, `sampling` and `model`.
    """
    from forewarn.features.ablation import chosen_arms
    from forewarn.features.autoencoder import read_autoencoder
    from forewarn.files import read_json, write_table
    from forewarn.models.load import load, resolve
    from forewarn.steering.experiment import run_arms
    from forewarn.steering.inputs import choose_questions
    from forewarn.workspace import workspace

    ablation = settings["ablation"]
    asked = choose_questions(questions, settings["questions_per_category"], ablation["seed"])
    known = read_json(sae_summary), read_json(summary)
    arms = chosen_arms(read_autoencoder(sae), *known, activations, ablation)
    source = resolve(settings["model"], model)
    with workspace("feature-ablation") as folder:
        loaded, tokenizer = load(source, settings["model"], adapter[0].parent)
        table = run_arms(
            arms, loaded, tokenizer, asked, subject=settings["organism"], seed=ablation["seed"],
            folder=folder, **settings["sampling"],
        )  # fmt: skip
        write_table(generations, table)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
