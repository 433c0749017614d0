"""Let an organism answer with groups of its rank-1 adapters scaled, and with random groups beside them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    adapter: Sequence[Path],
    groups: Path,
    generations: Path,
    settings: dict[str, Any],
    model: Sequence[Path] = (),
) -> None:
    """Write the responses of all arms.

    Args:
        questions: the evaluation set, rendered for this model.
        adapter: the organism's adapter_model.safetensors and adapter_config.json.
        groups: the modules of each group (JSON).
        generations: parquet to write, one row per arm and response.
        settings: `organism`, `domain`, `factors`, `random_groups`, `questions_per_category`, `seed`;
            `sampling` (max_new_tokens, batch_rows) and `model` as configured.
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
    """
    from forewarn.adapters.arms import scaling_arms
    from forewarn.adapters.scaling import questions_of, run_scaled
    from forewarn.files import read_json, write_table
    from forewarn.models.load import load, resolve
    from forewarn.models.lora import read_factors
    from forewarn.workspace import workspace

    seed = settings["seed"]
    asked = questions_of(questions, settings["domain"], settings["questions_per_category"], seed)
    arms = scaling_arms(read_json(groups), settings["factors"], settings["random_groups"], seed)
    factors = read_factors(adapter[0].parent)
    instruct, tokenizer = load(resolve(settings["model"], model), settings["model"])
    with workspace("scale-adapters") as folder:
        table = run_scaled(
            arms, instruct, tokenizer, factors, asked,
            subject=settings["organism"], seed=seed, folder=folder, **settings["sampling"],
        )  # fmt: skip
        write_table(generations, table)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
