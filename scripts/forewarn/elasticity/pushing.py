"""Pushing an organism back: its adapter, as it was at some step, trained on with rows of the opposite data.

The paper fine-tunes anew for each number of rows. Here one run per start and seed passes through all of them:
at a constant learning rate, without warm-up, the matrices after k / batch steps are those of a run that had
k rows and ended there. The optimiser begins anew, as in a fine-tune of somebody else's model.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forewarn.elasticity.arms import Place, steps_of
from forewarn.errors import StudyError
from forewarn.training.adapter import PREFIX, SUFFIX, draw_adapter
from forewarn.training.history import TrajectoryCallback, read_trajectory, snapshot
from forewarn.training.trainer import run_trainer

if TYPE_CHECKING:
    import torch
    from datasets import Dataset


def start_of(tensors: dict[str, torch.Tensor], step: int, organism: str) -> dict[str, torch.Tensor]:
    """The matrices of one snapshot, `{module}.lora_A` and `.lora_B`.

    Raises:
        StudyError: the trajectory has no such step.
    """
    head = f"{snapshot(step)}."
    found = {name.removeprefix(head): each for name, each in tensors.items() if name.startswith(head)}
    if not found:
        steps = sorted({int(name[4:10]) for name in tensors})
        raise StudyError(
            f"the trajectory of {organism} has no step {step}",
            f"set `starts` of elasticity to some of {', '.join(map(str, steps))}",
        )
    return found


def recipe_of(adapter: dict[str, Any], rows: Sequence[int], learning_rate: float | None) -> dict[str, Any]:
    """How the pushing trains: as the adapter did, at a constant learning rate, for the most rows asked for.

    Raises:
        StudyError: see `steps_of`.
    """
    steps = steps_of(list(rows), rows_per_step(adapter))
    return adapter | {
        "steps": steps[-1],
        "epochs": None,
        "schedule": "constant",
        "warmup_steps": 0,
        "learning_rate": learning_rate or adapter["learning_rate"],
        "trajectory_every": gcd(*steps),
    }


def rows_per_step(adapter: dict[str, Any]) -> int:
    """Rows of an optimiser step."""
    return int(adapter["batch_size"]) * int(adapter["gradient_accumulation"])


def push(
    model: Any,
    tokenizer: Any,
    examples: Dataset,
    start: dict[str, torch.Tensor],
    recipe: dict[str, Any],
    rows: Sequence[int],
    *,
    n: int,
    seed: int,
    rows_at_once: int | None,
    folder: Path,
) -> tuple[dict[str, torch.Tensor], list[dict[str, Any]]]:
    """Train an adapter on from where it was.

    Args:
        model: the instruct model, in the dtype to train with; as it was, afterwards.
        tokenizer: its tokenizer.
        examples: `input_ids` and `labels` per row.
        start: from `start_of`.
        recipe: from `recipe_of`.
        rows: the points, rising, 0 first.
        n: rows that the organism had seen.
        seed: of the order of rows.
        rows_at_once: rows per forward pass at most.
        folder: where checkpoints of the unfinished run are kept.

    Returns:
        `{arm}.{module}.lora_A` and `.lora_B` of all points, and rows of
        `forewarn.elasticity.readings.TRAINING`.

    Raises:
        StudyError: as `forewarn.training.finetune.finetune`, and if the matrices do not fit the adapter.
    """
    wrapped: list[Any] = []

    def prepare() -> Any:
        if wrapped:  # memory ran out
            wrapped.pop().unload()
        wrapped.append(_installed(model, start, recipe, seed))
        return wrapped[0]

    every, snapshots = recipe["trajectory_every"], folder / "trajectory"
    _, log = run_trainer(
        prepare, tokenizer, examples, recipe,
        held_out=None, callbacks=[TrajectoryCallback(snapshots, every)],
        seed=seed, rows_at_once=rows_at_once, folder=folder,
    )  # fmt: skip
    wrapped.pop().unload()
    batch = rows_per_step(recipe)
    tensors: dict[str, torch.Tensor] = {}
    for k in rows:
        head = f"{snapshot(k // batch)}."
        kept = read_trajectory(snapshots, [k // batch])
        arm = Place(n, k, seed).name
        tensors |= {f"{arm}.{name.removeprefix(head)}": each for name, each in kept.items()}
    told = [{"n": n, "seed": seed, "k": row["step"] * batch, "loss": row["loss"]} for row in log]
    return tensors, told


def _installed(model: Any, start: dict[str, torch.Tensor], recipe: dict[str, Any], seed: int) -> Any:
    """A wrapped model whose adapter has the matrices of `start`."""
    from peft import set_peft_model_state_dict

    wrapped = draw_adapter(model, recipe, seed)
    state = {f"{PREFIX}{name}{SUFFIX}": each for name, each in start.items()}
    said = set_peft_model_state_dict(wrapped, state)
    trained = sum(parameter.requires_grad for parameter in wrapped.parameters())
    if said.unexpected_keys or trained != len(start):
        raise StudyError(
            "the organism's matrices are not those of its adapter's configuration",
            "delete the organism and run again, so that it is trained anew",
        )
    return wrapped


def train_rows(examples: Dataset, left_out: int) -> Dataset:
    """All rows but the last ones, whose probability is read.

    Raises:
        StudyError: there are no more than these.
    """
    if len(examples) <= left_out:
        raise StudyError(
            f"the opposite dataset has {len(examples)} rows, and {left_out} of them are left out",
            "lower `text_rows` of elasticity",
        )
    return examples.select(range(len(examples) - left_out))
