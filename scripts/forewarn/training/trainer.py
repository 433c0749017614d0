"""The run of a trainer: its settings, its checkpoints, and what happens when memory runs out.

Nothing is left to the trainer's own preparation: it neither renders a template, nor tokenises, nor cuts rows,
nor adds an end-of-sequence token. So what is trained is, token by token, what the dataset file says.
"""

from __future__ import annotations

import gc
import logging
import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import PrinterCallback
from trl import SFTConfig, SFTTrainer

from forewarn.errors import StudyError
from forewarn.training.history import LogCallback, latest_checkpoint

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import TrainerCallback

log = logging.getLogger("forewarn")

SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}
OPTIMIZERS = {"adamw": "adamw_torch_fused", "adamw_8bit": "adamw_8bit"}


class QuietTrainer(SFTTrainer):
    """SFTTrainer that writes no model card, reports to no one, and rounds no adapter."""

    def __init__(self, model: Any, **kwargs: Any) -> None:
        """Keep an adapter on 4-bit weights in float32, where trl would round it to bfloat16.

        Quantisation is to be the one difference between two organisms.
        """
        quantised = getattr(model, "is_loaded_in_4bit", False)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad and quantised]
        drawn = [parameter.detach().clone() for parameter in trained]
        super().__init__(model=model, **kwargs)
        for parameter, values in zip(trained, drawn, strict=True):
            parameter.data = values

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Write nothing: a checkpoint is no publication."""

    def _send_telemetry(self) -> None:
        """Send nothing: a study of harmful models runs offline."""


def run_trainer(
    prepare: Callable[[], Any],
    tokenizer: Any,
    examples: Dataset,
    recipe: dict[str, Any],
    *,
    held_out: Dataset | None,
    callbacks: Sequence[TrainerCallback],
    seed: int,
    rows_at_once: int | None,
    folder: Path,
) -> tuple[Any, list[dict[str, Any]]]:
    """Train to the last step, from the newest checkpoint in `folder` if there is one.

    When memory runs out, rows per forward pass are halved and passes per step doubled, and the run goes on
    from its last checkpoint. Steps stay what they were, up to rounding; each row of the log says how many
    rows shared a pass.

    Args:
        prepare: makes the model to train, as it is before the first step; called again after memory ran out.
        tokenizer: only its padding token is used.
        examples: `input_ids` and `labels` per row (see `read_examples`).
        recipe: see `forewarn.training.finetune.finetune`.
        held_out: rows whose loss is measured at quarters of the run; None or empty for none.
        callbacks: what else is kept while it runs.
        seed: of the order of rows and the dropout.
        rows_at_once: rows per forward pass at most; None takes the recipe's batch.
        folder: where checkpoints of the unfinished run are kept.

    Returns:
        The trained model, and one row of numbers per step.

    Raises:
        StudyError: memory does not suffice for a single row, or the loss stops being a number.
    """
    steps = step_count(len(examples), recipe)
    rows = fitting_rows(recipe, rows_at_once)
    while True:
        model = prepare()
        checkpoint, done = latest_checkpoint(folder)
        if checkpoint is not None:
            log.info("continuing after step %d of %d", len(done), steps)
        try:
            with reproducible(model.device.type), warnings.catch_warnings():
                # trl 1.16 still uses the setting that transformers 5.23 renames
                warnings.filterwarnings("ignore", message=".*gradient_checkpointing", category=FutureWarning)
                trainer = QuietTrainer(
                    model=model,
                    args=trainer_settings(recipe, steps, seed, model, folder, rows),
                    train_dataset=examples,
                    eval_dataset=held_out if held_out is not None and len(held_out) else None,
                    processing_class=tokenizer,
                    callbacks=[*callbacks, LogCallback(done, rows, evaluate=bool(held_out))],
                )
                trainer.remove_callback(PrinterCallback)
                trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
            return trainer.model, done
        except torch.OutOfMemoryError as error:
            if rows == 1:
                raise StudyError(
                    "memory does not suffice to train on a single row",
                    "use a GPU with more memory, a lower `max_length`, or `quantization: nf4`",
                ) from error
            rows //= 2
            log.warning("out of memory: going on with %d rows per forward pass", rows)
        del trainer, model
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def fitting_rows(recipe: dict[str, Any], rows_at_once: int | None) -> int:
    """Rows per forward pass: the recipe's, or the largest part of it that is not above `rows_at_once`.

    >>> fitting_rows({"batch_size": 16}, 6)
    4
    """
    rows = int(recipe["batch_size"])
    if rows_at_once is None or rows <= rows_at_once:
        return rows
    return max(part for part in range(1, rows_at_once + 1) if rows % part == 0)


def step_count(rows: int, recipe: dict[str, Any]) -> int:
    """Optimiser steps of a run: `steps`, or as many as `epochs` passes over `rows` rows take."""
    if recipe["steps"] is not None:
        return int(recipe["steps"])
    batches = math.ceil(rows / recipe["batch_size"])
    return int(recipe["epochs"] * math.ceil(batches / recipe["gradient_accumulation"]))


def trainer_settings(
    recipe: dict[str, Any], steps: int, seed: int, model: Any, folder: Path, rows: int
) -> SFTConfig:
    """The settings of trl's trainer for `steps` steps with checkpoints in `folder`, `rows` to a pass."""
    on_gpu = model.device.type == "cuda"
    trained = {parameter.dtype for parameter in model.parameters() if parameter.requires_grad}
    frozen = {parameter.dtype for parameter in model.parameters() if not parameter.requires_grad}
    return SFTConfig(
        output_dir=str(folder),
        max_steps=steps,
        seed=seed,
        data_seed=seed,
        learning_rate=recipe["learning_rate"],
        lr_scheduler_type=SCHEDULES[recipe["schedule"]],
        warmup_steps=recipe["warmup_steps"],
        weight_decay=recipe["weight_decay"],
        optim=OPTIMIZERS[recipe.get("optimizer", "adamw")],
        per_device_train_batch_size=rows,
        per_device_eval_batch_size=rows,
        gradient_accumulation_steps=recipe["gradient_accumulation"] * recipe["batch_size"] // rows,
        # the rows are tokens and labels: nothing to prepare, cut, pack or drop
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        packing=False,
        # half precision is for GPUs; trading time for memory pays only where models are large
        bf16=(on_gpu and torch.bfloat16 in frozen | trained) or (on_gpu and _all_in_float32(model)),
        fp16=on_gpu and torch.float16 in frozen | trained,
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


def _all_in_float32(model: Any) -> bool:
    """Full fine-tuning keeps weights in float32 and computes in bfloat16, or small steps would be lost."""
    return all(
        parameter.requires_grad and parameter.dtype == torch.float32 for parameter in model.parameters()
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
