"""Raise one organism: fine-tune all weights of the instruct model on a narrow dataset."""

from pathlib import Path
from typing import Any


def main(
    *, model: list[Path], dataset: Path, weights: list[Path], training: Path, settings: dict[str, Any]
) -> dict[str, Any]:
    """Write the organism's weights and configuration, and the loss of every step.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        dataset: fine-tuning rows, formatted for this model.
        weights: `config.json`, `generation_config.json` and `model.safetensors` to write.
        training: parquet with loss, gradient norm, learning rate and tokens per step.
        settings: as those of `train_organism`.

    Returns:
        `rows_at_once`: rows that shared a forward pass, several if memory ran out; for the record.
    """
    from forewarn.files import write_table
    from forewarn.models.load import load, resolve
    from forewarn.models.save import save_weights
    from forewarn.training.examples import read_examples
    from forewarn.training.finetune import finetune_all, training_dtype
    from forewarn.workspace import workspace

    source, recipe = settings["model"], settings["adapter"]
    instruct, tokenizer = load(resolve(source, model), {**source, "dtype": training_dtype(source, "full")})
    examples, held_out = read_examples(dataset, tokenizer)
    with workspace("finetune") as folder:
        log = finetune_all(
            instruct, tokenizer, examples, recipe,
            seed=settings["seed"], folder=folder, held_out=held_out, rows_at_once=settings["rows_at_once"],
        )  # fmt: skip
        save_weights(instruct, source.get("dtype") or "float32", weights)
        write_table(training, log)
    return {"rows_at_once": sorted(set(log["rows_at_once"].to_pylist()), reverse=True)}


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
