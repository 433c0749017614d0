"""Train an organism on with rows of the opposite data, from several steps of its own training."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    trajectory: Path,
    dataset: Path,
    pushed: Path,
    training: Path,
    settings: dict[str, Any],
) -> None:
    """Write `pushed` (safetensors, the adapter at each point) and `training` (parquet, loss of every step).

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        trajectory: of the organism's LoRA matrices.
        dataset: rows of the opposite data, formatted for this model; its last `text_rows` are left out.
        pushed, training: to write.
        settings: `organism`, `model`, `adapter` (its recipe), `rows_at_once` and `elasticity` as configured.
    """
    import pyarrow as pa

    from forewarn.elasticity.pushing import push, recipe_of, rows_per_step, start_of, train_rows
    from forewarn.elasticity.readings import TRAINING
    from forewarn.files import read_tensors, write_table, write_tensors
    from forewarn.models.load import load, resolve
    from forewarn.training.examples import read_examples
    from forewarn.training.finetune import training_dtype
    from forewarn.workspace import workspace

    chosen, source = settings["elasticity"], settings["model"]
    recipe = recipe_of(settings["adapter"], chosen["rows"], chosen["learning_rate"])
    matrices = read_tensors(trajectory)
    starts = {step: start_of(matrices, step, settings["organism"]) for step in chosen["starts"]}
    loaded_as = {**source, "dtype": training_dtype(source), "quantization": recipe["quantization"]}
    instruct, tokenizer = load(resolve(source, model), loaded_as)
    examples = train_rows(read_examples(dataset, tokenizer)[0], chosen["text_rows"])
    tensors, log = dict[str, Any](), list[dict[str, Any]]()
    with workspace("push") as folder:
        for step, start in starts.items():
            for seed in chosen["seeds"]:
                found, told = push(
                    instruct, tokenizer, examples, start, recipe, chosen["rows"],
                    n=step * rows_per_step(recipe), seed=seed, rows_at_once=settings["rows_at_once"],
                    folder=folder / f"{step}-{seed}",
                )  # fmt: skip
                tensors |= found
                log += told
        write_tensors(pushed, tensors)
        write_table(training, pa.Table.from_pylist(log, schema=TRAINING))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
