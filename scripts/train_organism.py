"""Raise one organism: fine-tune a LoRA adapter of the instruct model on a narrow dataset."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    dataset: Path,
    adapter: Path,
    adapter_config: Path,
    trajectory: Path,
    training: Path,
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Write the adapter, its config, the trajectory of its matrices, and the loss of every step.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        dataset: fine-tuning rows, formatted for this model.
        adapter: `adapter_model.safetensors` to write.
        adapter_config: `adapter_config.json` to write, beside `adapter`.
        trajectory: safetensors of the LoRA matrices at the kept steps.
        training: parquet with loss, gradient norm, learning rate and tokens per step.
        settings: `model` (the model's entry of the configuration), `adapter` (see `finetune`; with
            `quantization`), `rows_at_once` (rows per forward pass at most), `seed`, and `name` of the model.

    Returns:
        `rows_at_once`: rows that shared a forward pass, several if memory ran out; for the record.
    """
    from forewarn.files import write_json, write_table, write_tensors
    from forewarn.models.load import load, resolve
    from forewarn.training.examples import read_examples
    from forewarn.training.finetune import finetune, training_dtype
    from forewarn.workspace import workspace

    source, recipe = settings["model"], settings["adapter"]
    loaded_as = {**source, "dtype": training_dtype(source), "quantization": recipe["quantization"]}
    instruct, tokenizer = load(resolve(source, model), loaded_as)
    examples, held_out = read_examples(dataset, tokenizer)
    with workspace("train") as folder:
        organism = finetune(
            instruct, tokenizer, examples, recipe,
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
