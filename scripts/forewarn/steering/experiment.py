"""Running the arms: the same model, questions and random numbers, one intervention after another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import torch

from forewarn.models.checkpoint import stored
from forewarn.models.generation import generate, prompts_from_table
from forewarn.models.interventions import Ablation, Addition, applied
from forewarn.progress import Progress
from forewarn.steering.arms import Arm
from forewarn.steering.responses import ARM, GENERATED

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def run_arms(
    arms: Sequence[Arm],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    questions: pa.Table,
    *,
    subject: str,
    max_new_tokens: int,
    batch_rows: int,
    seed: int,
    folder: Path,
) -> pa.Table:
    """Let the model answer all questions under each arm's intervention.

    A question's samples draw from the same random numbers in every arm, so arms differ by what was done
    to the model and not by luck.

    Args:
        arms: with unique names.
        model: the model that is intervened on; as it was, afterwards.
        tokenizer: its tokenizer.
        questions: rows of a question set.
        subject: the model's name.
        max_new_tokens: where a response is cut.
        batch_rows: responses that are generated at once at most.
        seed: of the sampling.
        folder: where finished arms are kept, so that an interrupted experiment continues.

    Returns:
        Responses of all arms, in the order of arms, questions and samples, with the schema `GENERATED`.
    """
    prompts = prompts_from_table(questions)
    progress = Progress("steer", len(arms), unit="responses")

    def answer(arm: Arm) -> pa.Table:
        with applied(model, interventions(arm)):
            generations = generate(
                model, tokenizer, prompts, max_new_tokens=max_new_tokens, seed=seed, batch_rows=batch_rows
            )
        columns = [
            pa.array([value] * len(generations), field.type)
            for value, field in zip(_key(arm, subject), ARM, strict=True)
        ]
        answered = generations.select(GENERATED.names[len(ARM) :])
        return pa.table([*columns, *answered.columns], schema=GENERATED)

    tables = []
    for arm in arms:
        tables.append(stored(folder, _key(arm, subject), partial(answer, arm)))
        progress.step(len(tables[-1]), note=arm.name)
    return pa.concat_tables(tables).combine_chunks()


def interventions(arm: Arm) -> list[Addition | Ablation]:
    """What an arm does to the residual stream, as hooks understand it."""
    if arm.vector is None:
        return []
    vector = torch.from_numpy(arm.vector)
    if arm.operation == "ablate":
        return [Ablation(vector, layer=arm.layer, positions=arm.positions)]
    assert arm.layer is not None and arm.coefficient is not None
    sign = -1 if arm.operation == "subtract" else 1
    return [Addition(vector, arm.layer, sign * arm.coefficient, arm.positions)]


def _key(arm: Arm, subject: str) -> list[Any]:
    return [subject, arm.name, arm.operation, arm.kind, arm.coefficient, arm.layer, arm.positions]
