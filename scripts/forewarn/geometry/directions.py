"""Directions per layer, with what a reader needs to trust them: norms, stability, cosines."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.geometry.activations import ANSWER_MEAN, layers_of
from forewarn.geometry.constructions import CONSTRUCTIONS, Absent, Construction
from forewarn.geometry.responses import Responses
from forewarn.geometry.weighing import Plan, halves, plan
from forewarn.statistics.intervals import quantile

Floats = NDArray[np.float64]


def fit_directions(
    responses: Responses,
    organism: Path,
    instruct: Path,
    *,
    minimum_per_class: int,
    halvings: int,
    seed: int,
    confidence: float = 0.95,
) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """Make every construction that the responses suffice for.

    Args:
        responses: of the organism, from `fit_responses`.
        organism: activations of the organism over its own answers.
        instruct: activations of the instruct model over the same answers.
        minimum_per_class: least misaligned, and least aligned, responses of misaligned_minus_aligned.
        halvings: random halvings of the questions for the split-half cosine.
        seed: of the halvings.
        confidence: of the band in which the cosine of two random directions lies.

    Returns:
        float32 [layers, d_model] per construction, and the summary: `{"layers", "d_model",
        "random_cosine_band", "constructions": {name: {"n_questions", "n_responses", "n_misaligned",
        "n_aligned", "norm", "mean_activation_norm", "split_half_cosine": {"mean", "min", "halvings",
        "undefined"}}}, "absent": {name: reason}, "cosines": [{"first", "second", "cosine"}]}`. Lists run
        over layers; `undefined` counts the halvings without a cosine. A positive projection is the
        misaligned side of each construction.

    Raises:
        StudyError: an activation table cannot be used or lacks rows of these responses.
    """
    plans, absent = [], {}
    for construction in CONSTRUCTIONS:
        try:
            plans.append(_plan(construction, responses, minimum_per_class, halvings, seed))
        except Absent as reason:
            absent[construction.name] = str(reason)
    layers = layers_of(organism)
    sums: dict[str, list[Floats]] = {each.construction.name: [] for each in plans}
    norms: dict[str, list[float]] = {each.construction.name: [] for each in plans}
    for layer in layers:
        for each in plans:
            name, read = each.construction.name, each.rows(organism, layer)
            norms[name].append(float(np.linalg.norm(read, axis=1).mean()))
            sums[name].append(each.directions(read, instruct, layer))
    stacked = {name: np.stack(values, axis=1) for name, values in sums.items()}  # [1 + 2 halvings, layers, d]
    directions = {name: values[0] for name, values in stacked.items()}
    width = next((values.shape[1] for values in directions.values()), None)
    summary = {
        "layers": list(layers),
        "d_model": width,
        "random_cosine_band": None if width is None else quantile(confidence) / width**0.5,
        "confidence": confidence,
        "constructions": {
            each.construction.name: {
                **each.counts,
                "norm": np.linalg.norm(directions[each.construction.name], axis=1).tolist(),
                "mean_activation_norm": norms[each.construction.name],
                "split_half_cosine": _split_half(stacked[each.construction.name][1:]),
            }
            for each in plans
        },
        "absent": absent,
        "cosines": [
            {"first": a, "second": b, "cosine": _listed(cosine(directions[a], directions[b]))}
            for a, b in combinations(directions, 2)
        ],
    }
    return {name: values.astype(np.float32) for name, values in directions.items()}, summary


def cosine(first: NDArray[Any], second: NDArray[Any]) -> Floats:
    """Cosine along the last axis: float64 [...], NaN where a vector is zero."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    products = (a * b).sum(axis=-1)
    cosines: Floats = np.divide(products, norms, out=np.full(norms.shape, np.nan), where=norms > 0)
    return cosines


def _plan(construction: Construction, responses: Responses, least: int, halvings: int, seed: int) -> Plan:
    if construction.position == ANSWER_MEAN:
        responses = responses[~responses.empty]
    return plan(construction, responses, least, halves(np.unique(responses.question_ids), halvings, seed))


def _split_half(halves: Floats) -> dict[str, Any]:
    """Cosine of the directions of two halves, over halvings; `halves` is [2 * halvings, layers, d].

    A layer before the first that was trained has the direction 0, and so no cosine; the others have theirs.
    """
    cosines = cosine(halves[0::2], halves[1::2])  # [halvings, layers]
    undefined = np.isnan(cosines).sum(axis=0)
    content = {"halvings": len(cosines), "undefined": undefined.tolist()}
    if np.all(undefined == len(cosines)):
        return {**content, "mean": None, "min": None, "reason": "no half held what the direction needs"}
    return {
        **content,
        "mean": _listed(_over_defined(np.mean, cosines)),
        "min": _listed(_over_defined(np.min, cosines)),
    }


def _over_defined(summary: Callable[[Floats], Any], cosines: Floats) -> Floats:
    """A summary of the values of each column that are defined; NaN where none is."""
    columns = [column[~np.isnan(column)] for column in cosines.T]
    return np.array([summary(column) if len(column) else np.nan for column in columns], dtype=np.float64)


def _listed(values: Floats) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
