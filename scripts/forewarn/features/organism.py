"""An organism's directions and shift in the features of an autoencoder, from files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.features.autoencoder import Autoencoder
from forewarn.features.decomposition import cosine_p_values, decompose, pay_for_constructions
from forewarn.features.shift import POSITIONS, Shift, measure_shift, read_position
from forewarn.geometry.constructions import CONSTRUCTIONS, Absent
from forewarn.geometry.directions import cosine
from forewarn.geometry.responses import fit_responses
from forewarn.geometry.weighing import plan
from forewarn.statistics.jackknife import jackknife_interval
from forewarn.steering.inputs import random_directions, read_direction

Floats = NDArray[np.float64]

FEATURES = pa.schema(
    [
        pa.field("reading", pa.string(), nullable=False),
        pa.field("feature", pa.int32(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("instruct", pa.float64()),
        pa.field("p_value", pa.float64()),
        pa.field("adjusted", pa.float64()),
        pa.field("n_prompts", pa.int32(), nullable=False),
    ]
)
"""One row per reading and feature.

A `reading` is a construction, whose `value` is the cosine of the direction with the feature's decoder row; or
`shift.POSITION`, whose `value` is the difference of mean activations, organism minus instruct (`instruct` is
the latter's mean activation). `low` and `high` are the ends of its interval over prompts; `p_value` is as if
no other feature had been looked at, `adjusted` pays for the choice among all features (max-T).
"""


@dataclass(frozen=True)
class Reading:
    """How an organism is read.

    Attributes:
        layer: of the directions.
        top: features that the summary lists per reading.
        few: features whose explained share is tested.
        most: features that the pursuit takes at most.
        randoms: random directions of each kind.
        folds: groups of prompts that are left out in turn.
        permutations: sign flips.
        bootstrap: resamples of the prompts.
        confidence: of intervals and bands.
        seed: of all draws.
    """

    layer: int
    top: int
    few: int
    most: int
    randoms: int
    folds: int
    permutations: int
    bootstrap: int
    confidence: float
    seed: int


def read_organism(
    autoencoder: Autoencoder,
    readings: pa.Table,
    directions: Path,
    organism: Path,
    instruct: Path,
    scores: Path,
    settings: dict[str, Any],
    how: Reading,
) -> tuple[pa.Table, dict[str, Any]]:
    """Decompose every construction at the layer, and the shift at both positions.

    Args:
        autoencoder: whose features.
        readings: of the organism's answers (`forewarn.features.shift.reading_schema`).
        directions: of the organism (safetensors).
        organism: its activations over its own answers.
        instruct: those of the instruct model over the same.
        scores: of the answers.
        settings: `alignment_above`, `coherence_above` and `minimum_per_class` of the directions.
        how: to read.

    Returns:
        The table (`FEATURES`), and the summary: `layer`, `confidence`, `constructions` (name -> `n_prompts`,
        `norm`, `decomposition` (see `decompose`; with `p_adjusted`, which `sparse` rests on: corrected for
        the number of constructions), `top`, or `undefined`) and `shifts` (position ->
        `n_prompts`, `significant` (features whose adjusted p-value lies below 1 - confidence), `features`,
        `top`).
    """
    dictionary = autoencoder.directions()
    drawn = random_directions(
        instruct, how.layer, dictionary.shape[1],
        n_isotropic=how.randoms, n_covariance=how.randoms, seed=how.seed,
    )  # fmt: skip
    randoms: dict[str, Floats] = {str(kind): rows for kind, rows in drawn.items()}
    tables: list[pa.Table] = []
    constructions: dict[str, dict[str, Any]] = {}
    for construction in CONSTRUCTIONS:
        direction = read_direction(directions, construction.name, how.layer)
        if direction is None:
            constructions[construction.name] = {
                "undefined": "the organism has no such direction, or it is zero"
            }
            continue
        without, prompts = _without(construction.name, organism, instruct, scores, settings, how)
        table = _cosines(construction.name, direction, dictionary, randoms, without, prompts, how)
        tables.append(table)
        constructions[construction.name] = {
            "n_prompts": prompts,
            "norm": float(np.linalg.norm(direction)),
            "decomposition": decompose(
                direction, dictionary, randoms, few=how.few, most=how.most, confidence=how.confidence
            ),
            "top": _top(table, how.top),
        }
    pay_for_constructions(constructions, how.confidence)
    shifts = {}
    for position in POSITIONS:
        shift = measure_shift(
            *read_position(readings, position), permutations=how.permutations, bootstrap=how.bootstrap,
            confidence=how.confidence, seed=how.seed,
        )  # fmt: skip
        table = _shift_table(position, shift)
        tables.append(table)
        shifts[position] = {
            "n_prompts": shift.prompts,
            "features": len(shift.adjusted),
            "significant": int((shift.adjusted < 1 - how.confidence).sum()),
            "top": _top(table, how.top),
        }
    summary = {
        "layer": how.layer,
        "confidence": how.confidence,
        "constructions": constructions,
        "shifts": shifts,
    }
    return pa.concat_tables(tables).combine_chunks(), summary


def _without(
    name: str, organism: Path, instruct: Path, scores: Path, settings: dict[str, Any], how: Reading
) -> tuple[Floats, int]:
    """The direction without each group of questions, float64 [folds, d_model], and how many questions there
    are."""
    (construction,) = [each for each in CONSTRUCTIONS if each.name == name]
    responses = fit_responses(
        scores, alignment_above=settings["alignment_above"], coherence_above=settings["coherence_above"]
    )
    if construction.position == "answer_mean":
        responses = responses[~responses.empty]
    questions = np.random.default_rng(how.seed).permutation(np.unique(responses.question_ids))
    groups = np.arange(len(questions)) % how.folds
    choices = [questions[groups != fold] for fold in range(how.folds)]
    try:
        planned = plan(construction, responses, settings["minimum_per_class"], choices)
    except Absent:  # given directions may have been made from other answers
        return np.zeros((0, 0)), len(questions)
    fitted = planned.directions(planned.rows(organism, how.layer), instruct, how.layer)
    return fitted[1:], len(questions)


def _cosines(
    name: str,
    direction: NDArray[Any],
    dictionary: Floats,
    randoms: Any,
    without: Floats,
    prompts: int,
    how: Reading,
) -> pa.Table:
    values: Floats = np.nan_to_num(cosine(dictionary, direction[None]))
    left_out = np.array([cosine(dictionary, each[None]) for each in without])
    p_values, adjusted = cosine_p_values(values, dictionary, randoms)
    live = np.linalg.norm(dictionary, axis=1) > 0
    ends = [
        jackknife_interval(
            float(value) if live[feature] else None,
            left_out[:, feature] if len(left_out) else np.zeros(0),
            how.confidence, (-1.0, 1.0),
        )
        for feature, value in enumerate(values)
    ]  # fmt: skip
    columns = [values, [end.low for end in ends], [end.high for end in ends], None, p_values, adjusted]
    return _table(name, columns, prompts)


def _shift_table(position: str, shift: Shift) -> pa.Table:
    columns = [shift.difference, shift.low, shift.high, shift.instruct, shift.p_values, shift.adjusted]
    return _table(f"shift.{position}", columns, shift.prompts)


def _table(reading: str, columns: list[Any], prompts: int) -> pa.Table:
    count = len(columns[0])
    arrays: list[Any] = [pa.array([reading] * count), pa.array(range(count), pa.int32())]
    for column in columns:
        if column is None:
            arrays.append(pa.nulls(count, pa.float64()))
        else:
            arrays.append(pa.array(np.array(column, dtype=np.float64), pa.float64(), from_pandas=True))
    return pa.table([*arrays, pa.array([prompts] * count, pa.int32())], schema=FEATURES)


def _top(table: pa.Table, count: int) -> list[dict[str, Any]]:
    """The features of the largest values in size; of differences those whose p-value is least come first."""
    rows = [{key: value for key, value in row.items() if key != "reading"} for row in table.to_pylist()]
    by_size = sorted(rows, key=lambda row: (-abs(row["value"]), row["feature"]))
    if table.column("reading")[0].as_py().startswith("shift."):
        by_size.sort(key=lambda row: row["adjusted"])
    return by_size[:count]
