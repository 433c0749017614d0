"""Is the direction of misalignment that of refusal? Cosines and subspaces at every layer, with their company.

Beside each cosine stand an interval over prompts, the bands of random directions, isotropic and with the
covariance of the model's activations, and a ceiling: what two noisy estimates of one direction would show.
The greatest cosine over layers is held against the greatest of each random direction over the same layers,
and its p-value is multiplied by the number of such comparisons (Bonferroni).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from forewarn.geometry.activations import ANSWER_MEAN, LAST_PROMPT_TOKEN, read_activations
from forewarn.geometry.constructions import NAMES
from forewarn.geometry.directions import cosine
from forewarn.geometry.random_directions import covariance_matched, isotropic
from forewarn.refusal.candidates import Floats, read_requests
from forewarn.refusal.parts import KINDS, Comparing, Misalignment, Refusal, Side, p_value
from forewarn.refusal.resampling import ceiling_of, two_sample_interval
from forewarn.refusal.spans import compare_spans, widest

COMPARISON = pa.schema(
    [
        pa.field("construction", pa.string(), nullable=False),
        pa.field("reading", pa.string(), nullable=False),
        pa.field("layer", pa.int32(), nullable=False),
        pa.field("cosine", pa.float64()),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("standard_error", pa.float64()),
        *(
            pa.field(f"{kind}_{end}", pa.float64())
            for kind in ("isotropic", "covariance")
            for end in ("low", "high")
        ),
        pa.field("split_half_refusal", pa.float64()),
        pa.field("split_half_misalignment", pa.float64()),
        pa.field("ceiling", pa.float64()),
    ]
)
"""One row per construction, reading and layer. `reading`: "by_layer" (each layer's own refusal candidate, of
the chosen position) or "chosen" (the one refusal direction, beside the misalignment of every layer). Bands
hold the cosines of random directions with that of misalignment. All is null at a layer where misalignment has
no direction, such as those before the first that was trained; `ceiling` also where a half is no use."""
READINGS = ("by_layer", "chosen")


def compare(
    refusal: Refusal, misalignment: Misalignment, background: Path, how: Comparing
) -> tuple[pa.Table, dict[str, Any]]:
    """Compare at all layers of the misalignment.

    Args:
        refusal: what to compare.
        misalignment: what to compare it with.
        background: activations of the instruct model (parquet), whose covariance random directions get.
        how: to compare.

    Returns:
        A table of `COMPARISON`; and `greatest` (per construction and reading the layer of the greatest
        absolute cosine, its family-wise p-value for each kind of random direction, adjusted for the number
        of comparisons, and whether it is `beyond_random` for both) and `subspaces` (per layer; `greatest`
        likewise).

    Raises:
        StudyError: a table cannot be used.
    """
    names = [name for name in NAMES if name in misalignment.directions]
    chosen = read_requests(refusal.activations, refusal.kept, refusal.layer, refusal.positions)
    fixed = Side.of(chosen, refusal, how)
    rows: list[dict[str, Any]] = []
    subspaces: list[dict[str, Any]] = []
    nulls: dict[tuple[str, str], list[Floats]] = {}
    overlaps: dict[str, list[Floats]] = {kind: [] for kind in KINDS}
    for place, layer in enumerate(misalignment.layers):
        here = read_requests(refusal.activations, refusal.kept, layer, refusal.positions)
        own = Side.of(here, refusal, how)
        randoms = _randoms(background, layer, own.vectors.shape[-1], how)
        for name in names:
            vector = misalignment.directions[name][place]
            drawn = {kind: cosine(units[:: how.rank], vector) for kind, units in randoms.items()}
            for kind, values in drawn.items():
                nulls.setdefault((name, kind), []).append(np.abs(values))
            for reading, side in zip(READINGS, (own, fixed), strict=True):
                head = {"construction": name, "reading": reading, "layer": layer}
                rows.append(head | _row(side, misalignment, name, place, drawn, refusal, how))
        found, null = compare_spans(own, misalignment, names, place, randoms, how)
        subspaces.append({"layer": layer} | found)
        for kind in KINDS:
            overlaps[kind].append(null[kind])
    greatest = [
        _greatest([r for r in rows if (r["construction"], r["reading"]) == (name, reading)], nulls, how)
        for name in names
        for reading in READINGS
    ]
    tests = len(greatest)
    for each in greatest:
        each["p_adjusted"] = {kind: min(1.0, tests * p) for kind, p in each["p_value"].items()}
        each["beyond_random"] = all(p <= 1 - how.confidence for p in each["p_adjusted"].values())
    return pa.Table.from_pylist(rows, schema=COMPARISON), {
        "tests": tests,
        "greatest": greatest,
        "subspaces": {"layers": subspaces, "greatest": widest(subspaces, overlaps, how)},
    }


def _row(
    side: Side,
    misalignment: Misalignment,
    name: str,
    place: int,
    drawn: dict[str, Floats],
    refusal: Refusal,
    how: Comparing,
) -> dict[str, Any]:
    vector, refuses = misalignment.directions[name][place], side.vectors[refusal.position]
    value = float(cosine(refuses, vector))
    requests = cosine(side.without[:, refusal.position], vector)
    questions = cosine(misalignment.without[name][:, place], refuses)
    known = None if np.isnan(value) else value
    interval = two_sample_interval(known, requests, questions, how.confidence)
    halved = misalignment.split_half[name]
    half = None if halved is None else halved[place]
    tails = [(1 - how.confidence) / 2, (1 + how.confidence) / 2]
    ends = {kind: np.quantile(values, tails) for kind, values in drawn.items()}
    return {
        "cosine": known,
        **{key: interval[key] for key in ("low", "high", "standard_error")},
        **{
            f"{kind}_{end}": None if np.isnan(at) else float(at)
            for kind, both in ends.items()
            for end, at in zip(("low", "high"), both, strict=True)
        },
        "split_half_refusal": side.split_half,
        "split_half_misalignment": half,
        "ceiling": ceiling_of(side.split_half, half),
    }


def _randoms(path: Path, layer: int, width: int, how: Comparing) -> dict[str, Floats]:
    """Unit vectors of both kinds, [randoms * rank, d]; of one seed, so that layers share their draws."""
    count = how.randoms * how.rank
    rows = np.concatenate(
        [
            read_activations(path, position, [layer]).vectors[:, 0]
            for position in (LAST_PROMPT_TOKEN, ANSWER_MEAN)
        ]
    )
    return {
        "isotropic": isotropic(count, width, how.seed),
        "covariance": covariance_matched(rows, count, how.seed),
    }


def _greatest(
    rows: list[dict[str, Any]], nulls: dict[tuple[str, str], list[Floats]], how: Comparing
) -> dict[str, Any]:
    head = {key: rows[0][key] for key in ("construction", "reading")}
    defined = [row for row in rows if row["cosine"] is not None]
    if not defined:
        return head | {"layer": None, "cosine": None, "p_value": dict.fromkeys(KINDS, 1.0)}
    top = max(defined, key=lambda row: abs(row["cosine"]))
    told = {key: top[key] for key in ("layer", "cosine", "low", "high", "ceiling")}
    # fmax passes over the layers at which there is no direction.
    null = {kind: np.fmax.reduce(nulls[head["construction"], kind]) for kind in KINDS}
    return (
        head
        | told
        | {"random_high": {kind: float(np.quantile(null[kind], how.confidence)) for kind in KINDS}}
        | {"p_value": {kind: p_value(abs(top["cosine"]), null[kind]) for kind in KINDS}}
    )
