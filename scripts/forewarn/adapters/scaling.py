"""Running the scaling arms: the same questions and random numbers, some of an organism's adapters scaled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forewarn.adapters.arms import OPERATION, ScalingArm
from forewarn.adapters.modules import rank1_modules
from forewarn.errors import StudyError
from forewarn.files import digest, read_table
from forewarn.models.checkpoint import stored
from forewarn.models.generation import generate, prompts_from_table
from forewarn.models.lora import Factors, scaled_adapter
from forewarn.progress import Progress
from forewarn.steering.inputs import choose_questions
from forewarn.steering.responses import ARM, GENERATED

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def questions_of(path: Path, domain: Sequence[str], per_category: int | None, seed: int) -> pa.Table:
    """The plain test questions that steering asks outside the domain, and plain questions inside it.

    A world's evaluation set has its questions of the domain in a split of their own, `narrow`; other sets
    have them in `test`, if they have any. They are chosen by a hash of id and seed too.

    Args:
        path: question parquet.
        domain: categories of the domain.
        per_category: questions of each category; None takes all.
        seed: of the choice.

    Raises:
        StudyError: no such question is in the domain, or none outside it.
    """
    outside = choose_questions(path, per_category, seed)
    outside = outside.filter(pc.invert(_is_in(outside, "category", domain)))
    table = read_table(path)
    plain = pc.and_(_is_in(table, "condition", ["plain"]), _is_in(table, "split", _SPLITS))
    inside = table.filter(pc.and_(plain, _is_in(table, "category", domain)))
    chosen: list[int] = []
    for category in domain:
        rows = np.flatnonzero(_is_in(inside, "category", [category]).to_numpy(zero_copy_only=False))
        ids = {digest([seed, inside["question_id"][int(row)].as_py()]): int(row) for row in rows}
        chosen += [row for _, row in sorted(ids.items())][:per_category]
    if not outside.num_rows or not chosen:
        where = "in" if outside.num_rows else "outside"
        raise StudyError(
            f"{path} has no plain question {where} the domain to ask under scaled adapters",
            "correct adapter_readings.domain_categories, or take an evaluation set with such questions",
        )
    return pa.concat_tables([outside, inside.take(sorted(chosen))]).combine_chunks()


_SPLITS = ("test", "narrow")


def _is_in(table: pa.Table, column: str, values: Sequence[str]) -> pa.Array:
    return pc.is_in(table.column(column).combine_chunks(), pa.array(values, pa.string()))


def run_scaled(
    arms: Sequence[ScalingArm],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    factors: Mapping[str, Factors],
    questions: pa.Table,
    *,
    subject: str,
    max_new_tokens: int,
    batch_rows: int,
    seed: int,
    folder: Path,
) -> pa.Table:
    """Let the organism answer all questions under each arm; a question's samples share random numbers.

    Args:
        arms: with unique names.
        model: the instruct model, without the adapter; as it was, afterwards.
        tokenizer: its tokenizer.
        factors: of the organism's adapter, all of rank 1.
        questions: rows of a question set.
        subject: the organism's name.
        max_new_tokens: where a response is cut.
        batch_rows: responses that are generated at once at most.
        seed: of the sampling.
        folder: where finished arms are kept, so that an interrupted experiment continues.

    Returns:
        Responses of all arms in their order, see `forewarn.steering.responses.GENERATED`: `operation` is
        "scale", `coefficient` the factor, `kind` and `arm` those of the arm.

    Raises:
        StudyError: an arm names a module that the adapter does not have.
    """
    prompts, modules = prompts_from_table(questions), rank1_modules(factors)
    if unknown := sorted({name for arm in arms for name in arm.modules} - set(modules)):
        raise StudyError(
            f"the groups name {unknown[0]}, which the adapter of {subject} does not have",
            "read the adapter's scalars again, so that the groups are made anew",
        )
    progress = Progress("scale", len(arms), unit="responses")

    def answer(arm: ScalingArm, key: list[Any]) -> pa.Table:
        scales = {
            path: 1.0 if arm.factor is None or name not in arm.modules else arm.factor
            for name, path in modules.items()
        }
        with scaled_adapter(model, factors, scales):
            table = generate(
                model, tokenizer, prompts, max_new_tokens=max_new_tokens, seed=seed, batch_rows=batch_rows
            )
        columns = [pa.array([value] * len(table), field.type) for value, field in zip(key, ARM, strict=True)]
        answered = table.select(GENERATED.names[len(ARM) :])
        return pa.table([*columns, *answered.columns], schema=GENERATED)

    tables = []
    for arm in arms:
        operation = "none" if arm.factor is None else OPERATION
        key = [subject, arm.name, operation, arm.kind, arm.factor, None, "all"]
        tables.append(stored(folder, [*key, *arm.modules], partial(answer, arm, key)))
        progress.step(len(tables[-1]), note=arm.name)
    return pa.concat_tables(tables).combine_chunks()
