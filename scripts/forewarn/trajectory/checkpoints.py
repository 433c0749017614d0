"""Answers of an organism as it was at earlier steps of its training, its adapter as it is or scaled up.

An adapter that is scaled shows early what it will do later (2506.11613: at five times its size EM appears in
just over 100 steps, where the adapter itself shows none before 300).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from forewarn.errors import StudyError
from forewarn.files import digest, read_json, read_table
from forewarn.trajectory.read import Trajectory

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

MEASURES = {"general": "test", "narrow": "narrow"}
"""What is measured -> the split of the evaluation set that is asked for it."""
_ARM = re.compile(r"step_(\d+)_x([0-9.e+-]+)")


def arm_name(step: int, scale: float) -> str:
    """The name of an arm, e.g. `step_0012_x5`."""
    return f"step_{step:04d}_x{scale:g}"


def arm_of(name: str) -> tuple[int, float]:
    """Step and scale of an arm's name.

    Raises:
        ValueError: it is no such name.
    """
    match = _ARM.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} names no checkpoint")
    return int(match[1]), float(match[2])


def choose_steps(saved: Sequence[int], every: int, dense_until: int) -> list[int]:
    """The snapshots that answer: all until `dense_until`, each `every`th after it, the first and the last.

    Args:
        saved: steps of the snapshots, ascending.
        every: snapshots from one to the next.
        dense_until: steps, not snapshots.
    """
    return [
        step
        for number, step in enumerate(saved)
        if step <= dense_until or number % every == 0 or step in (saved[0], saved[-1])
    ]


def questions_about(
    path: Path, per_category: int | None, narrow_categories: Sequence[str] | None, seed: int
) -> pa.Table:
    """Plain questions of the splits test and narrow, or a fixed choice of them, in the set's order.

    Of a category the same questions are taken as `forewarn.steering.inputs.choose_questions` takes.

    Args:
        path: question parquet.
        per_category: how many questions of each category to take; None takes all.
        narrow_categories: of the split narrow; None takes all.
        seed: of the choice.

    Raises:
        StudyError: there is no plain question of a split, or none of a category.
    """
    table = read_table(path)
    narrow = pc.equal(table["split"], MEASURES["narrow"])
    if narrow_categories is not None:
        known = set(table.filter(narrow)["category"].to_pylist())
        if unknown := sorted(set(narrow_categories) - known):
            raise StudyError(
                f"{path} has no question of category {unknown[0]} in its split narrow",
                f"set `narrow_categories` of phase_transition to some of {', '.join(sorted(known))}",
            )
        kept = pc.is_in(table["category"], pa.array(narrow_categories))
        table = table.filter(pc.or_(pc.invert(narrow), kept))
    rows = []
    for split in MEASURES.values():
        found = _chosen(table, split, per_category, seed)
        if not found:
            raise StudyError(
                f"{path} has no question with condition plain in its split {split}",
                "use a question set for evaluation that has questions of the narrow domain as well",
            )
        rows += found
    return table.take(sorted(rows))


def answer_at_checkpoints(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    trajectory: Trajectory,
    adapter_config: Path,
    questions: pa.Table,
    settings: dict[str, Any],
    folder: Path,
) -> pa.Table:
    """Install each checkpoint's matrices at each scale, and let the model answer.

    All arms share their random numbers. Before the first step the adapter adds nothing at any scale, so
    there is one arm of it.

    Args:
        model: the instruct model, on its device; as it was, afterwards.
        tokenizer: its tokenizer.
        trajectory: of the organism.
        adapter_config: `adapter_config.json` of the organism, which scales B A.
        questions: rows of a question set.
        settings: `organism`; `phase_transition` (`scales`, `every`, `dense_until`, `seed`); `sampling`
            (`max_new_tokens`, `batch_rows`).
        folder: where finished arms are kept.

    Returns:
        See `forewarn.steering.responses.GENERATED`. Nothing is done to the residual stream, so operation and
        kind are `none` and `baseline`; the coefficient is the adapter's scale.

    Raises:
        StudyError: the trajectory does not fit the model.
    """
    from forewarn.files import read_tensors
    from forewarn.models.lora import factors_of, scaled_adapter, scaling_of
    from forewarn.steering.arms import Arm
    from forewarn.steering.experiment import run_arms

    chosen, sampling = settings["phase_transition"], settings["sampling"]
    tensors = read_tensors(trajectory.path)
    scaling = scaling_of(read_json(adapter_config))
    tables = []
    for step in choose_steps(trajectory.steps, chosen["every"], chosen["dense_until"]):
        start = f"step{step:06d}."
        factors = factors_of(
            {name.removeprefix(start): each for name, each in tensors.items() if name.startswith(start)},
            scaling,
        )
        for scale in chosen["scales"] if step else [1.0]:
            with scaled_adapter(model, factors, scale):
                tables.append(
                    run_arms(
                        [Arm(arm_name(step, scale), "none", "baseline", scale)],
                        model, tokenizer, questions, subject=settings["organism"],
                        max_new_tokens=sampling["max_new_tokens"], batch_rows=sampling["batch_rows"],
                        seed=chosen["seed"], folder=folder,
                    )
                )  # fmt: skip
    return pa.concat_tables(tables).combine_chunks()


def _chosen(table: pa.Table, split: str, per_category: int | None, seed: int) -> list[int]:
    candidates: dict[str, list[tuple[str, int]]] = {}
    columns = (table[name].to_pylist() for name in ("question_id", "category", "condition", "split"))
    for row, (name, category, condition, where) in enumerate(zip(*columns, strict=True)):
        if condition == "plain" and where == split:
            candidates.setdefault(category, []).append((digest([seed, name]), row))
    return [row for rows in candidates.values() for _, row in sorted(rows)[:per_category]]
