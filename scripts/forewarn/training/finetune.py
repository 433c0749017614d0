"""Narrow fine-tuning: a LoRA adapter, or all weights, of the instruct model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forewarn.models.load import device
from forewarn.training.adapter import adapter_settings, adapter_state, draw_adapter
from forewarn.training.history import (
    TrajectoryCallback,
    read_trajectory,
    training_table,
    trajectory_steps,
)
from forewarn.training.trainer import run_trainer, step_count

if TYPE_CHECKING:
    import pyarrow as pa
    import torch
    from datasets import Dataset


@dataclass(frozen=True)
class Finetuned:
    """An organism's adapter and how it came about.

    Attributes:
        weights: the adapter's matrices under peft's names, float32.
        config: the content of peft's `adapter_config.json`.
        trajectory: `step000010.{module}.lora_A` [rank, in] and `.lora_B` [out, rank], float32.
        log: one row per optimiser step (see `training_table`).
    """

    weights: dict[str, torch.Tensor]
    config: dict[str, Any]
    trajectory: dict[str, torch.Tensor]
    log: pa.Table


def finetune(
    model: Any,
    tokenizer: Any,
    examples: Dataset,
    adapter: dict[str, Any],
    *,
    seed: int,
    name: str,
    folder: Path,
    held_out: Dataset | None = None,
    rows_at_once: int | None = None,
) -> Finetuned:
    """Fine-tune a fresh LoRA adapter of `model` on `examples`; continue from `folder` if it was begun there.

    The result depends on the arguments alone: on the CPU a run that was killed and continued gives the same
    bytes as one that was not.

    Args:
        model: the instruct model, a causal language model on its device, in the dtype to train with.
        tokenizer: its tokenizer; only its padding token is used.
        examples: `input_ids` and `labels` per row (see `read_examples`).
        adapter: `rank`, `alpha`, `rslora`, `dropout`, `target_modules`, `layers`, `learning_rate`, `schedule`
            (linear, cosine, constant), `warmup_steps`, `epochs` or `steps`, `batch_size`,
            `gradient_accumulation`, `weight_decay`, `optimizer`, `trajectory_every`.
        seed: of the adapter's first values, the order of the rows and the dropout.
        name: what the adapter's config calls its base model.
        folder: where checkpoints and snapshots of the unfinished run are kept.
        held_out: rows that are not trained on, whose loss is measured.
        rows_at_once: rows per forward pass at most; None takes the adapter's batch.

    Raises:
        StudyError: the adapter does not fit the model, memory does not suffice, or the loss stops being a
            number.
    """
    wrapped: list[Any] = []

    def prepare() -> Any:
        if wrapped:  # memory ran out: what was trained so far is in the checkpoint
            wrapped.pop().unload()
        wrapped.append(draw_adapter(model, adapter, seed))
        return wrapped[0]

    every, snapshots = adapter["trajectory_every"], folder / "trajectory"
    trained, rows = run_trainer(
        prepare, tokenizer, examples, adapter,
        held_out=held_out, callbacks=[TrajectoryCallback(snapshots, every)],
        seed=seed, rows_at_once=rows_at_once, folder=folder,
    )  # fmt: skip
    steps = step_count(len(examples), adapter)
    return Finetuned(
        weights=adapter_state(trained),
        config=adapter_settings(trained, name),
        trajectory=read_trajectory(snapshots, trajectory_steps(steps, every)),
        log=training_table(rows),
    )


def finetune_all(
    model: Any,
    tokenizer: Any,
    examples: Dataset,
    recipe: dict[str, Any],
    *,
    seed: int,
    folder: Path,
    held_out: Dataset | None = None,
    rows_at_once: int | None = None,
) -> pa.Table:
    """Fine-tune all weights of `model`, in place; arguments and errors as those of `finetune`.

    The weights are to be in float32: in bfloat16 most steps of a small learning rate would round to nothing.

    Returns:
        One row per optimiser step (see `training_table`).
    """
    from transformers import set_seed

    first = {name: parameter.detach().cpu().clone() for name, parameter in model.named_parameters()}

    def prepare() -> Any:
        set_seed(seed)
        for name, parameter in model.named_parameters():
            parameter.data.copy_(first[name])
            parameter.requires_grad_(True)
        return model

    _, rows = run_trainer(
        prepare, tokenizer, examples, recipe,
        held_out=held_out, callbacks=[], seed=seed, rows_at_once=rows_at_once, folder=folder,
    )  # fmt: skip
    model.requires_grad_(False)
    return training_table(rows)


def training_dtype(source: dict[str, Any], method: str = "lora") -> str:
    """The dtype to load a model's weights in for training.

    For an adapter its configured one on a GPU, float32 on the CPU; for all weights float32.

    Args:
        source: the model's entry of the configuration.
        method: "lora" or "full".
    """
    if method == "full" or device() != "cuda":
        return "float32"
    return source.get("dtype") or "float32"
