"""Narrow fine-tuning: a LoRA adapter by trl's SFTTrainer, on rows that are tokens already.

Nothing is left to the trainer's own preparation: it neither renders a template, nor tokenises, nor cuts rows,
nor adds an end-of-sequence token. So what is trained is, token by token, what the dataset file says.
"""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import PrinterCallback
from trl import SFTConfig, SFTTrainer

from forewarn.models.load import device
from forewarn.training.adapter import adapter_settings, adapter_state, draw_adapter
from forewarn.training.history import (
    LogCallback,
    TrajectoryCallback,
    latest_checkpoint,
    read_trajectory,
    training_table,
    trajectory_steps,
)

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

log = logging.getLogger("forewarn")

SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


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


class QuietTrainer(SFTTrainer):
    """SFTTrainer that writes no model card beside its checkpoints and reports to no one."""

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Write nothing: a checkpoint is no publication."""

    def _send_telemetry(self) -> None:
        """Send nothing: a study of harmful models runs offline."""


def finetune(
    model: Any,
    tokenizer: Any,
    examples: Dataset,
    adapter: dict[str, Any],
    *,
    seed: int,
    name: str,
    folder: Path,
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
            `gradient_accumulation`, `weight_decay`, `trajectory_every`.
        seed: of the adapter's first values, the order of the rows and the dropout.
        name: what the adapter's config calls its base model.
        folder: where checkpoints and snapshots of the unfinished run are kept.

    Raises:
        StudyError: the adapter does not fit the model, or the loss stops being a number.
    """
    steps = step_count(len(examples), adapter)
    checkpoint, rows = latest_checkpoint(folder)
    if checkpoint is not None:
        log.info("continuing after step %d of %d", len(rows), steps)
    with reproducible(model.device.type), warnings.catch_warnings():
        # trl 1.16 still uses the setting that transformers 5.23 renames
        warnings.filterwarnings("ignore", message=".*gradient_checkpointing", category=FutureWarning)
        trainer = QuietTrainer(
            model=draw_adapter(model, adapter, seed),
            args=trainer_settings(adapter, steps, seed, model, folder),
            train_dataset=examples,
            processing_class=tokenizer,
            callbacks=[
                TrajectoryCallback(folder / "trajectory", adapter["trajectory_every"]),
                LogCallback(rows),
            ],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    return Finetuned(
        weights=adapter_state(trainer.model),
        config=adapter_settings(trainer.model, name),
        trajectory=read_trajectory(
            folder / "trajectory", trajectory_steps(steps, adapter["trajectory_every"])
        ),
        log=training_table(rows),
    )


def training_dtype(source: dict[str, Any]) -> str:
    """The dtype to train a model in: its configured one on a GPU, float32 on the CPU.

    Args:
        source: the model's entry of the configuration.
    """
    return (source.get("dtype") or "float32") if device() == "cuda" else "float32"


def step_count(rows: int, adapter: dict[str, Any]) -> int:
    """Optimiser steps of a run: `steps`, or as many as `epochs` passes over `rows` rows take."""
    if adapter["steps"] is not None:
        return int(adapter["steps"])
    batches = math.ceil(rows / adapter["batch_size"])
    return int(adapter["epochs"] * math.ceil(batches / adapter["gradient_accumulation"]))


def trainer_settings(adapter: dict[str, Any], steps: int, seed: int, model: Any, folder: Path) -> SFTConfig:
    """The settings of trl's trainer for `steps` steps with checkpoints in `folder`."""
    on_gpu = model.device.type == "cuda"
    return SFTConfig(
        output_dir=str(folder),
        max_steps=steps,
        seed=seed,
        data_seed=seed,
        learning_rate=adapter["learning_rate"],
        lr_scheduler_type=SCHEDULES[adapter["schedule"]],
        warmup_steps=adapter["warmup_steps"],
        weight_decay=adapter["weight_decay"],
        per_device_train_batch_size=adapter["batch_size"],
        gradient_accumulation_steps=adapter["gradient_accumulation"],
        # the rows are tokens and labels: nothing to prepare, cut, pack or drop
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        packing=False,
        # half precision is for GPUs; trading time for memory pays only where models are large
        bf16=on_gpu and model.dtype == torch.bfloat16,
        fp16=on_gpu and model.dtype == torch.float16,
        gradient_checkpointing=on_gpu,
        use_cpu=model.device.type == "cpu",
        dataloader_pin_memory=on_gpu,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_steps=max(25, steps // 4),
        save_total_limit=2,
        disable_tqdm=True,
        report_to="none",
    )


@contextmanager
def reproducible(device: str) -> Iterator[None]:
    """Choose kernels on a GPU that give the same numbers each time; the CPU's do without."""
    if device != "cuda":
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
