"""The whole rebound of one organism, point by point: install the matrices, answer, read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from forewarn.elasticity.arms import INSTRUCT, place_of
from forewarn.elasticity.measuring import Text, read_point, readings_table, refer, text_losses
from forewarn.elasticity.readings import TEXTS
from forewarn.errors import StudyError
from forewarn.files import read_table
from forewarn.models.lora import factors_of, scaled_adapter
from forewarn.steering.arms import Arm
from forewarn.steering.experiment import run_arms
from forewarn.steering.inputs import random_directions, read_direction

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

Floats = np.ndarray[Any, np.dtype[np.float64]]


def units_of(
    directions: Path, activations: Path, settings: Mapping[str, Any], width: int
) -> dict[str, Floats]:
    """The organism's unit direction, and random ones to compare with; none of each where it has none.

    Args:
        directions: the organism's directions.
        activations: of the instruct model.
        settings: `direction`, `layer`, and of `elasticity` `random_directions` and `seed`.
        width: d_model.
    """
    own = read_direction(directions, settings["direction"], settings["layer"])
    empty = np.zeros((0, width))
    if own is None:
        return dict.fromkeys(("projection", "random_isotropic", "random_covariance"), empty)
    count, seed = (settings["elasticity"][key] for key in ("random_directions", "seed"))
    randoms = random_directions(
        activations, settings["layer"], width, n_isotropic=count, n_covariance=count, seed=seed
    )
    wide = own.astype(np.float64)
    found = {"projection": (wide / np.linalg.norm(wide))[None]}
    return found | {str(kind): vectors for kind, vectors in randoms.items()}


def first_answers(generations: Path, questions: pa.Table, most: int) -> list[tuple[int, ...]]:
    """The first tokens of the instruct model's first answer to each question that is not empty.

    Raises:
        StudyError: it has none for a question.
    """
    found: dict[str, tuple[int, ...]] = {}
    for row in read_table(generations, ["question_id", "sample", "token_ids"]).to_pylist():
        if row["token_ids"]:
            found.setdefault(row["question_id"], tuple(row["token_ids"][:most]))
    asked = questions["question_id"].to_pylist()
    if missing := [name for name in asked if name not in found]:
        raise StudyError(
            f"the instruct model answers {missing[0]} with nothing, so no divergence can be read there",
            "raise `samples` of the question set for evaluation",
        )
    return [found[name] for name in asked]


def texts_of(
    own: Path, opposite: Path, questions: pa.Table, answers: list[tuple[int, ...]], rows: int
) -> list[Text]:
    """Rows of both datasets, those of the opposite one being its last, and the instruct model's answers."""
    found = []
    for name, path in (("own", own), ("opposite", opposite)):
        table = read_table(path, ["token_ids", "loss_mask"]).to_pylist()[-rows:]
        for number, row in enumerate(table):
            counted = tuple(place for place, inside in enumerate(row["loss_mask"]) if inside)
            found.append(Text(name, number, tuple(row["token_ids"]), counted))
    for number, (prompt, answer) in enumerate(zip(questions["token_ids"].to_pylist(), answers, strict=True)):
        places = tuple(range(len(prompt), len(prompt) + len(answer)))
        found.append(Text("instruct", number, (*prompt, *answer), places))
    return found


def answer_rebound(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    pushed: Mapping[str, torch.Tensor],
    scaling: float,
    questions: pa.Table,
    answers: list[tuple[int, ...]],
    texts: list[Text],
    units: dict[str, Floats],
    settings: Mapping[str, Any],
    folder: Path,
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Answer and read at each point, and once as the instruct model. All share their random numbers.

    Args:
        model: the instruct model; as it was, afterwards.
        tokenizer: its tokenizer.
        pushed: from `forewarn.elasticity.pushing.push`, of all starts and seeds.
        scaling: before B A.
        questions: rows of a question set.
        answers: from `first_answers`.
        texts: from `texts_of`.
        units: from `units_of`.
        settings: `organism`, `layer`, `elasticity` (`seed`), `sampling`, `batch_rows` of reading.
        folder: where finished arms are kept.

    Returns:
        Tables of `GENERATED`, `READINGS` and `TEXTS`.
    """
    names, prompts = (questions[key].to_pylist() for key in ("question_id", "token_ids"))
    layer, batch = settings["layer"], settings["batch_rows"]
    reference = refer(model, prompts, answers, layer, batch)
    generated: list[pa.Table] = []
    readings: list[dict[str, Any]] = []
    losses: list[dict[str, Any]] = []

    def take(subject: str, arm: str) -> None:
        head = {"subject": subject, "arm": arm}
        sampling = settings["sampling"]
        generated.append(
            run_arms(
                [Arm(arm, "none", "baseline")], model, tokenizer, questions, subject=subject,
                max_new_tokens=sampling["max_new_tokens"], batch_rows=sampling["batch_rows"],
                seed=settings["elasticity"]["seed"], folder=folder,
            )
        )  # fmt: skip
        read = read_point(
            model, names, prompts, answers, reference, layer=layer, units=units, batch_rows=batch
        )
        readings.extend(head | row for row in read)
        losses.extend(head | row for row in text_losses(model, texts))

    take(INSTRUCT, INSTRUCT)
    arms = list(dict.fromkeys(name.split(".", 1)[0] for name in pushed))
    first = min(place_of(arm).seed for arm in arms)
    for arm in arms:
        place = place_of(arm)
        if place.k == 0 and place.seed != first:
            continue  # before the pushing the seeds are one
        matrices = {
            name.split(".", 1)[1]: each for name, each in pushed.items() if name.startswith(f"{arm}.")
        }
        with scaled_adapter(model, factors_of(matrices, scaling)):
            take(settings["organism"], arm)
    table = pa.concat_tables(generated).combine_chunks()
    return table, readings_table(readings), pa.Table.from_pylist(losses, schema=TEXTS)
