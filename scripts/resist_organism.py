"""Train checkpoints of an organism on each other's answers: back to what it was, and forward."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    trajectory: Path,
    adapter_config: Path,
    questions: Path,
    losses: Path,
    settings: dict[str, Any],
) -> None:
    """Write `losses` (parquet, per pair of checkpoints, direction, seed and held-out question).

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        trajectory: of the organism's LoRA matrices.
        adapter_config: `adapter_config.json` of the organism, which scales B A.
        questions: question set; see `forewarn.elasticity.resisting`.
        losses: parquet to write.
        settings: `organism`, `model`, `adapter` (its recipe), `rows_at_once`, `sampling` and `elasticity`.
    """
    from forewarn.elasticity.pushing import start_of
    from forewarn.elasticity.resisting import resist
    from forewarn.files import read_json, read_table, read_tensors, write_table
    from forewarn.models.load import load, resolve
    from forewarn.models.lora import scaling_of
    from forewarn.training.finetune import training_dtype
    from forewarn.workspace import workspace

    source, recipe = settings["model"], settings["adapter"]
    matrices, steps = read_tensors(trajectory), settings["elasticity"]["resistance_steps"]
    checkpoints = {step: start_of(matrices, step, settings["organism"]) for step in steps}
    loaded_as = {**source, "dtype": training_dtype(source), "quantization": recipe["quantization"]}
    instruct, tokenizer = load(resolve(source, model), loaded_as)
    with workspace("resist") as folder:
        table = resist(
            instruct, tokenizer, checkpoints, scaling_of(read_json(adapter_config)), read_table(questions),
            settings, folder,
        )  # fmt: skip
        write_table(losses, table)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
