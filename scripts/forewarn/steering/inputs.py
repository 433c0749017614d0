"""What an experiment is made of: the questions all arms share, the direction, the random directions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.files import digest, read_table
from forewarn.geometry.activations import ANSWER_MEAN, LAST_PROMPT_TOKEN, read_activations
from forewarn.geometry.random_directions import covariance_matched, isotropic
from forewarn.geometry.tensors import read_tensors
from forewarn.steering.arms import RandomDirections


def choose_questions(path: Path, per_category: int | None, seed: int) -> pa.Table:
    """The plain test questions of a question set, or a fixed choice among them, in the set's order.

    A question is chosen by a hash of its id and the seed, so that the choice within one category depends
    on nothing else.

    Args:
        path: question parquet.
        per_category: how many questions of each category to take; None takes all.
        seed: of the choice.

    Raises:
        StudyError: the set has no plain question in its split `test`.
    """
    table = read_table(path)
    candidates: dict[str, list[tuple[str, int]]] = {}
    columns = (table.column(name).to_pylist() for name in ("question_id", "category", "condition", "split"))
    for row, (name, category, condition, split) in enumerate(zip(*columns, strict=True)):
        if condition == "plain" and split == "test":
            candidates.setdefault(category, []).append((digest([seed, name]), row))
    if not candidates:
        raise StudyError(
            f"{path} has no question with condition plain in its split test",
            "steer with a question set that has `plain` among its formats and a share for `test`",
        )
    chosen = [row for rows in candidates.values() for _, row in sorted(rows)[:per_category]]
    return table.take(sorted(chosen))


def read_direction(path: Path, construction: str, layer: int) -> NDArray[np.float32] | None:
    """The direction of one construction at one layer, float32 [d_model]; None if there is none to steer with.

    There is none where the responses did not suffice for the construction (which the summary beside the
    file explains), or where it is zero.

    Raises:
        StudyError: the file does not hold this layer.
    """
    directions, layers = read_tensors(path)
    if layer not in layers:
        raise StudyError(
            f"{path} has directions for the layers {', '.join(map(str, layers))}, but not for {layer}",
            "name layers of steering among these, or add it to the `layers` of activations",
        )
    if construction not in directions:
        return None
    direction = directions[construction][layers.index(layer)]
    return direction if np.any(direction) else None


def read_layers(
    path: Path, construction: str, wanted: Literal["all"] | Sequence[int]
) -> dict[int, NDArray[np.float32] | None]:
    """The direction of one construction at several layers, as `read_direction` gives each.

    Raises:
        StudyError: the file does not hold a layer.
    """
    layers = read_tensors(path)[1] if wanted == "all" else wanted
    return {layer: read_direction(path, construction, layer) for layer in layers}


def random_directions(
    path: Path, layer: int, dimension: int, *, n_isotropic: int, n_covariance: int, seed: int
) -> RandomDirections:
    """Unit vectors to compare with, isotropic and of the covariance of a model's activations at `layer`.

    Args:
        path: activation parquet of the instruct model; prompts and responses both count.
        layer: block whose resid_post gives the covariance.
        dimension: d_model.
        n_isotropic: how many isotropic directions.
        n_covariance: how many covariance-matched directions.
        seed: of the draw.
    """
    randoms: dict[Any, NDArray[np.float64]] = {"random_isotropic": isotropic(n_isotropic, dimension, seed)}
    if n_covariance:
        rows = np.concatenate(
            [
                read_activations(path, position, [layer]).vectors[:, 0]
                for position in (LAST_PROMPT_TOKEN, ANSWER_MEAN)
            ]
        )
        randoms["random_covariance"] = covariance_matched(rows, n_covariance, seed)
    return randoms
