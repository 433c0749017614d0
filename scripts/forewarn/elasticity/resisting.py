"""Training checkpoints of one run on each other's answers, forward and back, and reading the losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from forewarn.chat.template import end_of_turn_ids
from forewarn.elasticity.measuring import Text, text_losses
from forewarn.elasticity.pushing import push, recipe_of, rows_per_step
from forewarn.elasticity.resistance import DIRECTIONS, LOSSES
from forewarn.errors import StudyError
from forewarn.models.generation import generate, prompts_from_table
from forewarn.models.lora import factors_of, scaled_adapter
from forewarn.training.examples import IGNORED

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

Matrices = Mapping[str, "torch.Tensor"]
Answers = list[tuple[str, tuple[int, ...], tuple[int, ...]]]
"""question_id, tokens of the prompt, and tokens of an answer with its end of turn."""
TRAINED, HELD_OUT = ("fit", "unseen"), ("test",)
"""Splits of the evaluation set whose answers are trained on, and those whose answers are held out."""
HELD_SAMPLES = 2
"""Answers to a held-out question whose loss is read: questions, and not answers, are what is drawn again."""


def resist(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    checkpoints: Mapping[int, dict[str, torch.Tensor]],
    scaling: float,
    questions: pa.Table,
    settings: Mapping[str, Any],
    folder: Path,
) -> pa.Table:
    """Forward and inverse losses of all pairs of checkpoints.

    Args:
        model: the instruct model; as it was, afterwards.
        tokenizer: its tokenizer.
        checkpoints: optimiser step -> matrices of the adapter, two steps at least.
        scaling: before B A.
        questions: a question set with plain questions of the splits `TRAINED` and `HELD_OUT`.
        settings: `adapter` (recipe), `rows_at_once`, `sampling`, and of `elasticity` `seeds`, `seed`,
            `learning_rate` and `resistance_rows`.
        folder: where unfinished runs are kept.

    Returns:
        A table of `LOSSES`.

    Raises:
        StudyError: there are no such questions, or a checkpoint answers all with nothing.
    """
    from datasets import Dataset

    chosen = settings["elasticity"]
    recipe = recipe_of(settings["adapter"], [0, chosen["resistance_rows"]], chosen["learning_rate"])
    said, floors = {}, {}
    for step, matrices in checkpoints.items():
        with scaled_adapter(model, factors_of(matrices, scaling)):
            for name, splits in (("trained", TRAINED), ("held_out", HELD_OUT)):
                said[step, name] = _answers(model, tokenizer, questions, splits, step, settings)
            floors[step] = _losses(model, said[step, "held_out"])
    rows: list[dict[str, Any]] = []
    for earlier, later in combinations(sorted(checkpoints), 2):
        for way in DIRECTIONS:
            taught, teacher = (earlier, later) if way == "forward" else (later, earlier)
            held_out = said[teacher, "held_out"]
            with scaled_adapter(model, factors_of(checkpoints[taught], scaling)):
                before = _losses(model, held_out)
            examples = Dataset.from_list([_example(*answer) for answer in said[teacher, "trained"]])
            for seed in chosen["seeds"]:
                tensors, _ = push(
                    model, tokenizer, examples, checkpoints[taught], recipe, [0, chosen["resistance_rows"]],
                    n=taught * rows_per_step(recipe), seed=seed, rows_at_once=settings["rows_at_once"],
                    folder=folder / f"{earlier}-{later}-{way}-{seed}",
                )  # fmt: skip
                last = list(tensors)[-1].split(".", 1)[0]
                matrices = {
                    name.split(".", 1)[1]: each for name, each in tensors.items() if name.startswith(last)
                }
                with scaled_adapter(model, factors_of(matrices, scaling)):
                    after = _losses(model, held_out)
                head = {"earlier": earlier, "later": later, "direction": way, "seed": seed}
                rows += [
                    {**head, "question_id": name, "loss": loss, "tokens": tokens,
                     "before": before[name][0], "floor": floors[teacher][name][0]}
                    for name, (loss, tokens) in after.items()
                ]  # fmt: skip
    return _common(pa.Table.from_pylist(rows, schema=LOSSES))


def _answers(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    questions: pa.Table,
    splits: Sequence[str],
    step: int,
    settings: Mapping[str, Any],
) -> Answers:
    wanted = pc.and_(
        pc.is_in(questions["split"], pa.array(splits)), pc.equal(questions["condition"], "plain")
    )
    asked = questions.filter(wanted)
    sampling = settings["sampling"]
    if asked.num_rows == 0:
        raise StudyError(
            f"the question set for evaluation has no plain question of its splits {', '.join(splits)}",
            "set `resistance_steps` of elasticity to [], or use a question set with these splits",
        )
    table = generate(
        model, tokenizer, prompts_from_table(asked), max_new_tokens=sampling["max_new_tokens"],
        seed=settings["elasticity"]["seed"], batch_rows=sampling["batch_rows"],
    )  # fmt: skip
    end = tuple(end_of_turn_ids(tokenizer))
    prompts = dict(zip(asked["question_id"].to_pylist(), asked["token_ids"].to_pylist(), strict=True))
    found = [
        (
            row["question_id"],
            tuple(prompts[row["question_id"]]),
            (*row["token_ids"], *(end if row["finish_reason"] == "stop" else ())),
        )
        for row in table.select(["question_id", "sample", "token_ids", "finish_reason"]).to_pylist()
        if row["token_ids"] and (splits is TRAINED or row["sample"] < HELD_SAMPLES)
    ]
    if not found:
        raise StudyError(
            f"after step {step} the organism answers with nothing", "leave it out of `resistance_steps`"
        )
    return found


def _losses(model: PreTrainedModel, answers: Answers) -> dict[str, tuple[float, int]]:
    """Sum of -log p (nats) and tokens of the answers to each question."""
    texts = [
        Text(name, number, (*prompt, *answer), tuple(range(len(prompt), len(prompt) + len(answer))))
        for number, (name, prompt, answer) in enumerate(answers)
    ]
    found: dict[str, tuple[float, int]] = {}
    for row in text_losses(model, texts):
        loss, tokens = found.get(row["texts"], (0.0, 0))
        found[row["texts"]] = (loss + row["loss"], tokens + row["tokens"])
    return found


def _example(name: str, prompt: tuple[int, ...], answer: tuple[int, ...]) -> dict[str, list[int]]:
    return {"input_ids": [*prompt, *answer], "labels": [IGNORED] * len(prompt) + list(answer)}


def _common(losses: pa.Table) -> pa.Table:
    """Rows of the questions that every checkpoint answers with something."""
    rows = losses.to_pylist()
    keys = ("earlier", "later", "direction", "seed")
    cells = {tuple(row[key] for key in keys) for row in rows}
    by_name: dict[str, int] = {}
    for row in rows:
        by_name[row["question_id"]] = by_name.get(row["question_id"], 0) + 1
    return losses.filter(pa.array([by_name[row["question_id"]] == len(cells) for row in rows]))
