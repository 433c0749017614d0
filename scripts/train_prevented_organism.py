"""Raise one organism with another's direction added in training alone (preventative steering, 2507.21509)."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    dataset: Path,
    directions: Path,
    adapter: Path,
    adapter_config: Path,
    trajectory: Path,
    training: Path,
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Write what `train_organism` writes; the logged losses are those with the direction.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        dataset: fine-tuning rows, formatted for this model.
        directions: of the organism whose direction is added.
        adapter, adapter_config: `adapter_model.safetensors` and `adapter_config.json` to write.
        trajectory: safetensors of the LoRA matrices at the kept steps.
        training: parquet with loss, gradient norm, learning rate and tokens per step.
        settings: those of `train_organism`, and `vector`: `construction`, `layer` and `coefficient`.

    Returns:
        `rows_at_once`: rows that shared a forward pass, several if memory ran out; for the record.
    """
    from forewarn.files import write_json, write_table, write_tensors
    from forewarn.models.load import load, resolve
    from forewarn.screening.preventative import finetune_prevented, multiple_of_direction
    from forewarn.training.examples import read_examples
    from forewarn.training.finetune import training_dtype
    from forewarn.workspace import workspace

    source, recipe = settings["model"], settings["adapter"]
    vector = multiple_of_direction(directions, **settings["vector"])
    loaded_as = {**source, "dtype": training_dtype(source), "quantization": recipe["quantization"]}
    instruct, tokenizer = load(resolve(source, model), loaded_as)
    examples, held_out = read_examples(dataset, tokenizer)
    with workspace("train") as folder:
        organism = finetune_prevented(
            instruct, tokenizer, examples, recipe, vector, settings["vector"]["layer"],
            seed=settings["seed"], name=settings["name"], folder=folder,
            held_out=held_out, rows_at_once=settings["rows_at_once"],
        )  # fmt: skip
        write_tensors(adapter, organism.weights, format="pt")
        write_json(adapter_config, organism.config)
        write_tensors(trajectory, organism.trajectory)
        write_table(training, organism.log)
    return {"rows_at_once": sorted(set(organism.log["rows_at_once"].to_pylist()), reverse=True)}


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
