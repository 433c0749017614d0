"""The projection difference of a dataset (2507.21509): what training would teach, less what the model says.

Of each row: mean activation over the answer in the dataset, minus the mean over the model's own answers to
the same prompt, projected on a direction of norm 1. A dataset's score is the mean over its rows. Rows of the
same prompt are no independent draws, so intervals come from a bootstrap over prompts. What a direction that
means nothing would show is told by random directions, isotropic and of the covariance of the model's own
answers; the dataset's answers differ from these in a hundred ways, any of which a direction may pick up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.geometry.activations import ANSWER_MEAN, read_activations
from forewarn.geometry.random_directions import covariance_matched, isotropic
from forewarn.screening.rows import TAUGHT
from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.nulls import against_null
from forewarn.statistics.ratios import bootstrap_ratio

Floats = NDArray[np.float64]
SCHEMA = pa.schema(
    [
        pa.field("construction", pa.string(), nullable=False),  # of the directions
        pa.field("row", pa.string(), nullable=False),  # of the dataset
        pa.field("prompt", pa.string(), nullable=False),  # hash; equal for rows of equal prompts
        pa.field("n_own", pa.int32(), nullable=False),  # answers of the model that are not empty
        pa.field("others", pa.float64()),  # projection difference, on the direction of other datasets
        pa.field("own", pa.float64()),  # the same on that of this dataset's organisms
        pa.field("norm", pa.float64(), nullable=False),  # of the row's difference, before projection
    ]
)
"""One row per construction and row of the dataset that was screened."""


@dataclass(frozen=True)
class Screened:
    """The rows of a dataset.

    Attributes:
        rows: numbers of the rows, as text.
        prompts: hash of each row's prompt.
        n_own: int64 [rows], answers of the model that the row's own is held against.
        differences: float64 [rows, d_model], taught minus own.
        own: float64 [answers, d_model], the model's answers.
        left_out: rows to which every answer of the model was empty.
    """

    rows: tuple[str, ...]
    prompts: tuple[str, ...]
    n_own: NDArray[np.int64]
    differences: Floats
    own: Floats
    left_out: int


@dataclass(frozen=True)
class How:
    """How to measure.

    Attributes:
        random_directions: of each kind.
        bootstrap: draws of prompts.
        permutations: of labels within prompts.
        mixtures: shares of a dataset among rows of the benign one.
        confidence: of intervals and bands.
        seed: of all draws.
    """

    random_directions: int
    bootstrap: int
    permutations: int
    mixtures: tuple[float, ...]
    confidence: float
    seed: int


def read_screened(activations: Path, layer: int, prompts: Mapping[str, str]) -> Screened:
    """Read what the model made of a dataset.

    Args:
        activations: parquet with the mean over each answer; sample 0 is the dataset's.
        layer: block.
        prompts: hash of each row's prompt.

    Raises:
        StudyError: the file holds other rows than the dataset, or no row with an answer of the model.
    """
    table = read_activations(activations, ANSWER_MEAN, [layer])
    vectors = table.vectors[:, 0].astype(np.float64)
    taught: dict[str, int] = {}
    own: dict[str, list[int]] = {}
    for number, (row, sample) in enumerate(table.keys):
        if sample == TAUGHT:
            taught[row] = number
        else:
            own.setdefault(row, []).append(number)
    kept = [row for row in taught if row in own]
    if not kept or not prompts.keys() >= taught.keys():
        raise StudyError(
            f"{activations} is not of this dataset, or the model answered nothing to any of its prompts",
            "delete the file and run again, so that it is made anew",
        )
    return Screened(
        tuple(kept),
        tuple(prompts[row] for row in kept),
        np.array([len(own[row]) for row in kept], dtype=np.int64),
        np.stack([vectors[taught[row]] - vectors[own[row]].mean(axis=0) for row in kept]),
        vectors[[number for row in kept for number in own[row]]],
        len(taught) - len(kept),
    )


def score(screened: Screened, vector: Floats, how: How) -> dict[str, Any]:
    """A dataset's projection difference.

    Args:
        screened: its rows.
        vector: float64 [d_model], norm 1.
        how: to measure.

    Returns:
        `mean` (units of the residual stream), `interval` (over prompts), `null` by kind of random direction
        (see `forewarn.statistics.nulls.Null`: one-sided, for a score above).
    """
    values = screened.differences @ vector
    amounts, sizes = by_prompt(values, screened.prompts)
    draws = bootstrap_ratio(amounts, sizes, resample(len(sizes), how.bootstrap, how.seed))
    mean = float(values.mean())
    total = screened.differences.mean(axis=0)
    kinds = {
        "isotropic": isotropic(how.random_directions, len(vector), how.seed),
        "covariance": covariance_matched(screened.own, how.random_directions, how.seed),
    }
    return {
        "mean": mean,
        "interval": percentile_interval(draws, how.confidence, len(sizes)).as_dict(),
        "null": {
            kind: against_null(mean, units @ total, how.confidence).as_dict() for kind, units in kinds.items()
        },
    }


def by_prompt(values: Floats, prompts: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Sum of the values and number of rows of each prompt, both float64 [prompts]."""
    _, place = np.unique(np.array(prompts), return_inverse=True)
    return np.bincount(place, values).astype(np.float64), np.bincount(place).astype(np.float64)


def row_table(screened: Screened, construction: str, vectors: Mapping[str, Floats | None]) -> pa.Table:
    """The projection difference of each row on each direction, see `SCHEMA`."""
    projected = {
        name: [None] * len(screened.rows) if vector is None else (screened.differences @ vector).tolist()
        for name, vector in vectors.items()
    }
    columns = {
        "construction": [construction] * len(screened.rows),
        "row": list(screened.rows),
        "prompt": list(screened.prompts),
        "n_own": screened.n_own.tolist(),
        **projected,
        "norm": np.linalg.norm(screened.differences, axis=1).tolist(),
    }
    return pa.table({name: columns[name] for name in SCHEMA.names}, schema=SCHEMA)
