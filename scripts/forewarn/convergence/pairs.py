"""Two organisms: the cosine of their directions per construction and layer, and what it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from forewarn.convergence.bands import chance, random_cosines
from forewarn.convergence.replication import (
    Captured,
    Replicates,
    ceiling,
    choose,
    disattenuated,
    replicates,
    weigh,
)
from forewarn.errors import StudyError
from forewarn.geometry.activations import layers_of
from forewarn.geometry.constructions import CONSTRUCTIONS, Absent
from forewarn.geometry.directions import cosine
from forewarn.geometry.responses import Responses
from forewarn.geometry.weighing import Floats
from forewarn.statistics.jackknife import jackknife_interval

_WITHOUT = pa.list_(pa.float64())
PAIRS = pa.schema(
    [
        pa.field("construction", pa.string(), nullable=False),
        pa.field("layer", pa.int32(), nullable=False),
        pa.field("organism", pa.string(), nullable=False),
        pa.field("other", pa.string(), nullable=False),
        pa.field("n_prompts", pa.int32(), nullable=False),
        pa.field("cosine", pa.float64()),
        pa.field("cosine_low", pa.float64()),
        pa.field("cosine_high", pa.float64()),
        pa.field("disattenuated", pa.float64()),
        pa.field("disattenuated_low", pa.float64()),
        pa.field("disattenuated_high", pa.float64()),
        pa.field("reliability", pa.float64()),
        pa.field("other_reliability", pa.float64()),
        pa.field("ceiling", pa.float64()),
        pa.field("band_isotropic", pa.float64(), nullable=False),
        pa.field("band_covariance", pa.float64(), nullable=False),
        pa.field("p_random", pa.float64()),
        pa.field("cosine_without", _WITHOUT, nullable=False),
        pa.field("disattenuated_without", _WITHOUT, nullable=False),
    ]
)
"""One row per construction that both have, and layer.

`cosine` is that of the directions as they are, `disattenuated` what it would be without noise, each with the
ends of its jackknife interval over prompts; `reliability` the mean cosine of halves of the prompts;
`ceiling` the cosine that two estimates of one direction would have; random directions lie within 0 +-
`band_*`; `p_random` is the share of the harder kind that reaches `cosine`; `*_without` are the values without
each group of prompts in turn, the same groups in all pairs. Null is undefined, as at a layer before the first
that was trained, whose direction is 0.
"""

BOUNDS = (-1.0, 1.0)
BEYOND = (-np.inf, np.inf)


@dataclass(frozen=True)
class Comparison:
    """How directions are compared.

    Attributes:
        minimum_per_class: misaligned, and aligned, responses below which a construction is absent.
        halvings: random halvings of the prompts.
        random_directions: pairs of random directions of each kind.
        confidence: of intervals and bands.
        seed: of groups, halvings and random directions.
    """

    minimum_per_class: int
    halvings: int
    random_directions: int
    confidence: float
    seed: int


def compare_pair(
    captured: tuple[Captured, Captured], responses: tuple[Responses, Responses], how: Comparison
) -> pa.Table:
    """Compare two organisms at every layer that both were read at.

    Args:
        captured: the activations of both.
        responses: of both, from `fit_responses`.
        how: to compare.

    Returns:
        A table of the schema `PAIRS`.

    Raises:
        StudyError: an activation table cannot be used, or the organisms have activations of different widths.
    """
    questions = np.unique(np.concatenate([each.question_ids.astype(str) for each in responses]))
    choices = choose(questions, how.halvings, how.seed)
    weighed = []
    for construction in CONSTRUCTIONS:
        try:
            weighed.append([weigh(construction, each, how.minimum_per_class, choices) for each in responses])
        except Absent:
            continue
    rows: list[dict[str, Any]] = []
    shared = [layer for layer in layers_of(captured[0].organism) if layer in layers_of(captured[1].organism)]
    for layer in shared if weighed else []:
        found = [
            [replicates(mine, of, layer, choices) for mine, of in zip(plans, captured, strict=True)]
            for plans in weighed
        ]
        widths = [each.whole.shape[1] for each in found[0]]
        if widths[0] != widths[1]:
            raise StudyError(
                f"{captured[0].name} has directions of width {widths[0]} and {captured[1].name} "
                f"of {widths[1]}",
                "compare organisms of one model only",
            )
        readers = (captured[0].instruct, captured[1].instruct)
        randoms = random_cosines(readers, layer, widths[0], how.random_directions, how.seed)
        rows += [
            {
                "construction": plans[0].construction.name,
                "layer": layer,
                "organism": captured[0].name,
                "other": captured[1].name,
                "n_prompts": len(questions),
                **_compared(first, second, randoms, how.confidence),
            }
            for plans, (first, second) in zip(weighed, found, strict=True)
        ]
    order = {construction.name: place for place, construction in enumerate(CONSTRUCTIONS)}
    rows.sort(key=lambda row: (order[row["construction"]], row["layer"]))
    return pa.Table.from_pylist(rows, schema=PAIRS)


def _compared(
    first: Replicates, second: Replicates, randoms: dict[str, Floats], confidence: float
) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name, values, bounds in (
        ("cosine", cosine(first.whole, second.whole), BOUNDS),
        ("disattenuated", disattenuated(first, second), BEYOND),
    ):
        value = _number(values[0])
        interval = jackknife_interval(value, values[1:], confidence, bounds)
        content |= {
            name: value,
            f"{name}_low": interval.low,
            f"{name}_high": interval.high,
            f"{name}_without": [_number(each) for each in values[1:]],
        }
    bands = {kind: float(np.quantile(cosines, confidence)) for kind, cosines in randoms.items()}
    return content | {
        "reliability": _number(first.reliability()[0]),
        "other_reliability": _number(second.reliability()[0]),
        "ceiling": ceiling(first, second),
        "band_isotropic": bands["random_isotropic"],
        "band_covariance": bands["random_covariance"],
        "p_random": None if content["cosine"] is None else chance(content["cosine"], randoms),
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
