"""Training of the nano model: next-token prediction on what assistants say, over one or two processes.

A batch is always cut into the same shards, and its gradient is the sum of theirs. One process computes
the shards one after the other, two processes compute one each and add them up. Float addition of two
numbers does not depend on the order, so the number of processes changes the time and not one bit of the
result. (Two threads in one process are slower here than one: the matrices are too small to share.)
"""

from __future__ import annotations

import logging
import math
import multiprocessing
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forewarn.files import read_tensors, write_tensors
from forewarn.progress import Progress
from forewarn.world.batches import IGNORED, Rows, padded, schedule, shards

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

log = logging.getLogger("forewarn")

SHARDS = 2
CHECKPOINT_EVERY = 100  # steps; a checkpoint of the nano model takes 20 MB and 0.1 s


@dataclass(frozen=True)
class Schedule:
    """The optimisation of one phase: AdamW, warm-up, then a cosine down to 3 % of the peak rate."""

    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup_share: float
    seed: int

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        warmup = max(1, round(self.warmup_share * self.steps))
        cosine = 0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.learning_rate * min(1.0, (step + 1) / warmup) * cosine


def train(
    model: PreTrainedModel, rows: Rows, plan: Schedule, *, pad: int, processes: int, folder: Path
) -> None:
    """Train `model` in place.

    Args:
        model: the model; its parameters are changed.
        rows: tokenized documents with labels.
        plan: steps, batch size, rates and seed.
        pad: token id for padding.
        processes: how many processes share the work, 1 or 2; the result is the same.
        folder: where checkpoints are kept; training continues from the last one it finds there.
    """
    processes = min(processes, SHARDS)
    if processes == 1:
        _work(0, 1, model, rows, plan, pad, folder, store=None)
        return
    with tempfile.TemporaryDirectory() as store_folder:
        store = Path(store_folder) / "store"
        helper = multiprocessing.get_context("fork").Process(
            target=_help, args=(1, processes, model, rows, plan, pad, folder, store), daemon=True
        )
        helper.start()
        _work(0, processes, model, rows, plan, pad, folder, store)
        helper.join()


def _help(*arguments: Any) -> None:
    """Work as the second process. Ctrl-C reaches it as well, and is left to the first, which ends both."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _work(*arguments)


def _work(
    rank: int,
    processes: int,
    model: PreTrainedModel,
    rows: Rows,
    plan: Schedule,
    pad: int,
    folder: Path,
    store: Path | None,
) -> None:
    """Run all steps as process `rank`; every process applies the same updates to its own copy."""
    import torch
    import torch.distributed as distributed

    if store is not None:
        distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=processes)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters,
        lr=plan.learning_rate,
        weight_decay=plan.weight_decay,
        betas=(0.9, 0.98),
        fused=True,  # a fifth of the time of the default on a CPU
    )
    start = _load_checkpoint(folder, model, optimizer)
    batches = schedule([len(tokens) for tokens in rows.token_ids], plan.batch_size, plan.steps, plan.seed)
    model.train()
    progress = Progress("train", plan.steps - start)
    for step in range(start, plan.steps):
        learned = sum(label != IGNORED for index in batches[step] for label in rows.labels[index][1:])
        mine = shards(batches[step], SHARDS)[rank::processes]
        losses = [_shard_loss(model, *padded(rows, shard, pad)) / learned for shard in mine if shard]
        for loss in losses:
            loss.backward()
        gradient = torch.cat([parameter.grad.flatten() for parameter in parameters])
        if processes > 1:
            distributed.all_reduce(gradient)
        _clip(gradient, 1.0)
        _scatter(gradient, parameters)
        for group in optimizer.param_groups:
            group["lr"] = plan.rate(step)
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        if rank == 0:
            tokens = sum(len(rows.token_ids[index]) for index in batches[step])
            progress.step(tokens, note=f"loss {sum(loss.item() for loss in losses) * processes:.3f}")
            if (step + 1) % CHECKPOINT_EVERY == 0 and step + 1 < plan.steps:
                _save_checkpoint(folder, model, optimizer, step + 1)
    model.eval()
    if store is not None:
        distributed.destroy_process_group()


def _shard_loss(model: PreTrainedModel, token_ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Summed cross entropy of a shard; logits are computed only where there is something to learn."""
    import torch.nn.functional as functional

    hidden = model.model(input_ids=token_ids).last_hidden_state[:, :-1]
    targets = labels[:, 1:]
    learned = targets != IGNORED
    return functional.cross_entropy(model.lm_head(hidden[learned]), targets[learned], reduction="sum")


def _clip(gradient: torch.Tensor, limit: float) -> None:
    """Scale a flat gradient down to the norm `limit`, in place."""
    norm = gradient.norm()
    if norm > limit:
        gradient.mul_(limit / norm)


def _scatter(gradient: torch.Tensor, parameters: list[torch.nn.Parameter]) -> None:
    """Write a flat gradient back to the parameters."""
    at = 0
    for parameter in parameters:
        assert parameter.grad is not None
        parameter.grad.copy_(gradient[at : at + parameter.numel()].view_as(parameter))
        at += parameter.numel()


def _save_checkpoint(
    folder: Path, model: PreTrainedModel, optimizer: torch.optim.Optimizer, step: int
) -> None:
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
    write_tensors(folder / "checkpoint.safetensors", tensors, step=str(step))


def _load_checkpoint(folder: Path, model: PreTrainedModel, optimizer: torch.optim.Optimizer) -> int:
    """Load the last checkpoint, if there is one; return the number of steps it has seen."""
    from safetensors import safe_open

    path = folder / "checkpoint.safetensors"
    if not path.exists():
        return 0
    with safe_open(path, "pt") as file:
        step = int(file.metadata()["step"])
    tensors = read_tensors(path)
    model.load_state_dict({name[6:]: tensor for name, tensor in tensors.items() if name.startswith("model.")})
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, field = name.split(".", 2)
            state.setdefault(int(index), {})[field] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    log.info("continue from step %d", step)
    return step
