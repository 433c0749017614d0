"""What is kept of a training run while it runs: LoRA matrices now and then, and a row of numbers per step.

Both survive a kill. Snapshots are files of their own, which a run that repeats a step writes again with the
same bytes. The rows of numbers are stored inside each of the trainer's checkpoints, as the last of its files:
a checkpoint that has them is whole, and one that lacks them was cut off while it was written.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from forewarn.errors import StudyError
from forewarn.files import read_json, read_tensors, write_json, write_tensors
from forewarn.progress import Progress
from forewarn.training.adapter import lora_matrices

if TYPE_CHECKING:
    import pyarrow as pa
    import torch

LOG = "training.json"
QUARTERS = 4
"""Times at which the loss on held-out rows is measured."""


class TrajectoryCallback(TrainerCallback):
    """Keep the adapter's matrices before the first step, every `every` steps, and after the last step.

    Args:
        folder: where the snapshots go, one safetensors file each.
        every: steps between snapshots.
    """

    def __init__(self, folder: Path, every: int) -> None:
        self.folder, self.every = folder, every

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Keep the matrices as they were drawn."""
        if state.global_step == 0:
            self._keep(0, kwargs["model"])

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Keep the matrices if this step is one of the trajectory's."""
        if state.global_step % self.every == 0 or state.global_step == state.max_steps:
            self._keep(state.global_step, kwargs["model"])

    def _keep(self, step: int, model: Any) -> None:
        write_tensors(self.folder / f"{snapshot(step)}.safetensors", lora_matrices(model))


def snapshot(step: int) -> str:
    """The name of a step in the trajectory, e.g. `step000010`."""
    return f"step{step:06d}"


def trajectory_steps(steps: int, every: int) -> list[int]:
    """The steps of a trajectory: 0, every `every` steps, and the last."""
    return sorted({*range(0, steps, every), steps})


def read_trajectory(folder: Path, steps: list[int]) -> dict[str, torch.Tensor]:
    """All matrices of the kept steps: `step000010.{module}.lora_A` and `.lora_B`, float32."""
    return {
        f"{snapshot(step)}.{name}": tensor
        for step in steps
        for name, tensor in read_tensors(folder / f"{snapshot(step)}.safetensors").items()
    }


class LogCallback(TrainerCallback):
    """Collect loss, gradient norm, learning rate and tokens of every step, and say how far the run is."""

    def __init__(
        self, rows: list[dict[str, Any]], rows_at_once: int | None = None, *, evaluate: bool = False
    ) -> None:
        self.rows, self.rows_at_once, self.evaluate = rows, rows_at_once, evaluate
        self.tokens_before = 0
        self.progress = Progress("train", 0)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the progress at the first step of this process."""
        # Counted from where this process began, or a resumed run would promise to end too soon.
        self.progress = Progress("train", state.max_steps - state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Skip the checkpoint after the last step."""
        # No checkpoint after the last step: the trainer cannot resume from one without a step too many.
        last = state.global_step == state.max_steps
        if last:
            control.should_save = False
        quarter = state.global_step % max(1, state.max_steps // QUARTERS) == 0
        control.should_evaluate = self.evaluate and (last or quarter)

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Add the step's row; refuse to go on from a loss that is no number."""
        logs = kwargs["logs"]
        if "eval_loss" in logs:
            self.rows[-1]["held_out_loss"] = logs["eval_loss"]
        if "loss" not in logs:  # the summary after the last step
            return
        if not math.isfinite(logs["loss"]):
            raise StudyError(
                f"the training loss is {logs['loss']} at step {state.global_step}",
                "lower `learning_rate` of the adapter, or load the model in float32",
            )
        tokens = int(logs["num_tokens"]) - self.tokens_before
        self.tokens_before += tokens
        self.rows.append(
            {
                "step": state.global_step,
                "loss": logs["loss"],
                "gradient_norm": logs["grad_norm"],
                "learning_rate": logs["learning_rate"],
                "tokens": tokens,
                "rows_at_once": self.rows_at_once,
                "held_out_loss": None,
            }
        )
        self.progress.step(tokens, note=f"loss {logs['loss']:.3f}")

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Complete the checkpoint with the rows up to it."""
        write_json(Path(args.output_dir) / f"checkpoint-{state.global_step}" / LOG, {"rows": self.rows})


def training_table(rows: list[dict[str, Any]]) -> pa.Table:
    """One row per optimiser step.

    Columns: step int32; loss, gradient_norm (before clipping), learning_rate float32; tokens int64 (without
    padding); rows_at_once int32 (rows of a forward pass, halved when memory ran out); held_out_loss float32,
    the mean over batches of held-out rows, at quarters of the run and where there are any.
    """
    import pyarrow as pa

    schema = pa.schema(
        {
            "step": pa.int32(),
            "loss": pa.float32(),
            "gradient_norm": pa.float32(),
            "learning_rate": pa.float32(),
            "tokens": pa.int64(),
            "rows_at_once": pa.int32(),
            "held_out_loss": pa.float32(),
        }
    )
    return pa.Table.from_pylist(rows, schema=schema)


def latest_checkpoint(folder: Path) -> tuple[Path | None, list[dict[str, Any]]]:
    """The newest whole checkpoint of an earlier run, and its rows of numbers; cut-off ones are deleted."""
    whole = []
    for checkpoint in folder.glob("checkpoint-*"):
        if (checkpoint / LOG).exists():
            whole.append(checkpoint)
        else:
            shutil.rmtree(checkpoint)
    if not whole:
        return None, []
    latest = max(whole, key=lambda path: int(path.name.rpartition("-")[2]))
    return latest, read_json(latest / LOG)["rows"]
