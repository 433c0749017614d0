"""What organisms answer that were trained with a direction added, without it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from forewarn.models.lora import read_factors, scaled_adapter
from forewarn.screening.runs import run_of
from forewarn.steering.arms import Arm
from forewarn.steering.experiment import run_arms

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

INSTRUCT = "instruct"


def answer_prevented(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    adapters: Mapping[str, Path],
    questions: pa.Table,
    settings: dict[str, Any],
    folder: Path,
) -> pa.Table:
    """Let the instruct model answer, and then with the adapter of each training run.

    All arms share their random numbers. Nothing is done to the residual stream.

    Args:
        model: the instruct model; as it was, afterwards.
        tokenizer: its tokenizer.
        adapters: name of the training run -> folder of its adapter.
        questions: rows of a question set.
        settings: `organism`, `layer`, `seed`, and `sampling` (`max_new_tokens`, `batch_rows`).
        folder: where finished arms are kept.

    Returns:
        See `forewarn.steering.responses.GENERATED`: operation `none` and kind `baseline`, as nothing is done
        while these answer; the coefficient is that of the training.
    """
    how = {**settings["sampling"], "seed": settings["seed"], "folder": folder}

    def answers(name: str, coefficient: float | None) -> pa.Table:
        arm = Arm(name, "none", "baseline", coefficient)
        return run_arms([arm], model, tokenizer, questions, subject=settings["organism"], **how)

    tables = [answers(INSTRUCT, None)]
    for name, place in adapters.items():
        with scaled_adapter(model, read_factors(place)):
            tables.append(answers(name, run_of(name).coefficient))
    return pa.concat_tables(tables).combine_chunks()
