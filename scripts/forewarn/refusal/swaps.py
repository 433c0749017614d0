"""The swaps: ablate refusal and see what becomes of misalignment; ablate that and see what of refusal.

The organism answers plain test questions and test requests, the instruct model the requests alone, each
under the same arms: nothing, either direction ablated everywhere, or random directions of both kinds in their
place. An ablation does not know the norm of a vector, so both directions have the same random ones beside
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.files import digest, read_table
from forewarn.refusal.candidates import HARMFUL, HARMLESS
from forewarn.refusal.projection import refusal_direction
from forewarn.steering.arms import BASELINE, Arm, Kind, RandomDirections, everywhere_arms
from forewarn.steering.inputs import choose_questions, random_directions, read_direction

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    Loaded = tuple[PreTrainedModel, PreTrainedTokenizerFast]

INSTRUCT = "instruct"


def swap_arms(
    misalignment: NDArray[Any] | None,
    refusal: NDArray[Any] | None,
    draw: Callable[[int], RandomDirections],
) -> list[Arm]:
    """Baseline; ablation of each direction that there is, and of each random one.

    Args:
        misalignment: float [d_model], not zero.
        refusal: float [d_model], not zero.
        draw: gives unit vectors of this width to compare with.
    """
    directions: dict[Kind, NDArray[Any] | None] = {"direction": misalignment, "refusal_direction": refusal}
    given = {kind: vector for kind, vector in directions.items() if vector is not None}
    own = [
        Arm(f"ablate_{kind}", "ablate", kind, vector=np.asarray(vector / np.linalg.norm(vector), np.float32))
        for kind, vector in given.items()
    ]
    if not own:
        return [BASELINE]
    some = next(iter(given.values()))
    _, *beside = everywhere_arms(some, draw(len(some)))
    return [BASELINE, *own, *beside]


def arms_of(
    directions: Path, refusal: Path, refusal_summary: Path, activations: Path, settings: dict[str, Any]
) -> list[Arm]:
    """The arms of one organism, from files.

    Args:
        directions: the organism's.
        refusal: the refusal directions.
        refusal_summary: JSON beside them, which says which one.
        activations: of the instruct model, whose covariance some random directions get.
        settings: `direction` and `layer` of misalignment; `swaps` with `random_isotropic`,
            `random_covariance` and `seed`.

    Raises:
        StudyError: a file does not hold the layer.
    """
    swaps, layer = settings["swaps"], settings["layer"]
    found = refusal_direction(refusal, refusal_summary)
    draw = partial(
        random_directions, activations, layer, n_isotropic=swaps["random_isotropic"],
        n_covariance=swaps["random_covariance"], seed=swaps["seed"],
    )  # fmt: skip
    misalignment = read_direction(directions, settings["direction"], layer)
    return swap_arms(misalignment, None if found is None else found[0], draw)


def choose_requests(path: Path, per_topic: int | None, seed: int) -> pa.Table:
    """The test requests of a question set, or a fixed choice among them, in the set's order.

    Args:
        path: question parquet.
        per_topic: how many of each category and condition to take; None takes all.
        seed: of the choice, by a hash of each id.

    Raises:
        StudyError: the set has no harmful or no harmless request in its split `test`.
    """
    table = read_table(path)
    candidates: dict[tuple[str, str], list[tuple[str, int]]] = {}
    columns = (table.column(name).to_pylist() for name in ("question_id", "category", "condition", "split"))
    for row, (name, category, condition, split) in enumerate(zip(*columns, strict=True)):
        if split == "test" and condition in (HARMFUL, HARMLESS):
            candidates.setdefault((condition, category), []).append((digest([seed, name]), row))
    if {condition for condition, _ in candidates} != {HARMFUL, HARMLESS}:
        raise StudyError(
            f"{path} has not both harmful and harmless requests in its split test",
            "use a question set of requests with a share for `test`",
        )
    chosen = [row for rows in candidates.values() for _, row in sorted(rows)[:per_topic]]
    return table.take(sorted(chosen))


def swap_questions(evaluation: Path, requests: Path, settings: dict[str, Any]) -> tuple[pa.Table, pa.Table]:
    """All that is asked, and the requests among it.

    Args:
        evaluation: question parquet of the evaluation set.
        requests: question parquet of the requests.
        settings: `questions_per_category`, `requests_per_topic` and `seed`.

    Raises:
        StudyError: one of the sets lacks what is needed, or both have a question of one id.
    """
    plain = choose_questions(evaluation, settings["questions_per_category"], settings["seed"])
    asked = choose_requests(requests, settings["requests_per_topic"], settings["seed"])
    both = set(plain["question_id"].to_pylist()) & set(asked["question_id"].to_pylist())
    if both:
        raise StudyError(
            f"{evaluation} and {requests} both have a question {min(both)!r}", "give each an id of its own"
        )
    return pa.concat_tables([plain, asked.cast(plain.schema)]).combine_chunks(), asked


def run_swaps(
    organism: str,
    loaders: Mapping[str, Callable[[], Loaded]],
    arms: list[Arm],
    everything: pa.Table,
    requests: pa.Table,
    settings: dict[str, Any],
    folder: Path,
) -> pa.Table:
    """Let the organism and the instruct model answer under all arms.

    Args:
        organism: its name.
        loaders: name -> what loads the model and its tokenizer, for the organism and `instruct`.
        arms: from `swap_arms`.
        everything: what the organism is asked.
        requests: what the instruct model is asked.
        settings: `max_new_tokens`, `batch_rows` and `seed` of the sampling.
        folder: where finished arms are kept.

    Returns:
        The responses, see `forewarn.steering.responses.GENERATED`.
    """
    from forewarn.steering.experiment import run_arms  # torch

    tables = []
    for subject, asked in ((organism, everything), (INSTRUCT, requests)):
        model, tokenizer = loaders[subject]()
        tables.append(run_arms(arms, model, tokenizer, asked, subject=subject, folder=folder, **settings))
    return pa.concat_tables(tables).combine_chunks()
