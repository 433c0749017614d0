"""Train an organism with a direction added to the residual stream, which is not there afterwards."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    dataset: Path,
    directions: Path,
    activations: Path,
    adapter: Path,
    adapter_config: Path,
    training: Path,
    losses: Path,
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Write the adapter, its config, the loss of every step, and the loss of every row afterwards.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        dataset: fine-tuning rows, formatted for this model.
        directions: of the organism whose direction is added.
        activations: of the instruct model, whose covariance some random directions get.
        adapter, adapter_config: safetensors and JSON to write.
        training, losses: parquet; loss of every step (with it), and of every row afterwards (without).
        settings: `run` (its name), `vector` (see `added_vector`), `model`, and what `train_prevented` takes.

    Returns:
        `rows_at_once`: rows that shared a forward pass, several if memory ran out; for the record.
    """
    from forewarn.files import write_json, write_table, write_tensors
    from forewarn.models.load import load, resolve
    from forewarn.screening.prevention import added_vector
    from forewarn.screening.runs import run_of
    from forewarn.screening.train import train_prevented
    from forewarn.training.examples import read_examples
    from forewarn.training.finetune import training_dtype
    from forewarn.workspace import workspace

    source, recipe = settings["model"], settings["adapter"]
    vector = added_vector(run_of(settings["run"]), directions, activations, **settings["vector"])
    loaded_as = {**source, "dtype": training_dtype(source), "quantization": recipe["quantization"]}
    instruct, tokenizer = load(resolve(source, model), loaded_as)
    examples, _ = read_examples(dataset, tokenizer)
    with workspace("prevention") as folder:
        layer = settings["vector"]["layer"]
        organism, table = train_prevented(instruct, tokenizer, examples, vector, layer, settings, folder)
        write_tensors(adapter, organism.weights, format="pt")
        write_json(adapter_config, organism.config)
        write_table(training, organism.log)
        write_table(losses, table)
    return {"rows_at_once": sorted(set(organism.log["rows_at_once"].to_pylist()), reverse=True)}


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
