"""Directions per layer, with what a reader needs to trust them: norms, stability, cosines."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.geometry.activations import ANSWER_MEAN, Key, layers_of, read_activations
from forewarn.geometry.constructions import CONSTRUCTIONS, Absent, Construction
from forewarn.geometry.responses import Responses
from forewarn.statistics.intervals import quantile

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Plan:
    """A construction as weights over distinct activation rows.

    Attributes:
        construction: which one.
        keys: of the rows.
        weights: float64 [1 + 2 * halvings, rows]: all questions, then first and second halves in turn.
        counts: how many questions and responses stand behind it.
    """

    construction: Construction
    keys: list[Key]
    weights: Floats
    counts: dict[str, int]


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
        over layers. A positive projection is the misaligned side of each construction.

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
    sums: dict[str, list[Floats]] = {plan.construction.name: [] for plan in plans}
    norms: dict[str, list[float]] = {plan.construction.name: [] for plan in plans}
    for layer in layers:
        for plan in plans:
            rows = _rows(plan, organism, layer)
            norms[plan.construction.name].append(float(np.linalg.norm(rows, axis=1).mean()))
            if plan.construction.contrast:
                rows = rows - _rows(plan, instruct, layer)
            sums[plan.construction.name].append(plan.weights @ rows)
    stacked = {name: np.stack(values, axis=1) for name, values in sums.items()}  # [1 + 2 halvings, layers, d]
    directions = {name: values[0] for name, values in stacked.items()}
    width = next((values.shape[1] for values in directions.values()), None)
    summary = {
        "layers": list(layers),
        "d_model": width,
        "random_cosine_band": None if width is None else quantile(confidence) / width**0.5,
        "confidence": confidence,
        "constructions": {
            plan.construction.name: {
                **plan.counts,
                "norm": np.linalg.norm(directions[plan.construction.name], axis=1).tolist(),
                "mean_activation_norm": norms[plan.construction.name],
                "split_half_cosine": _split_half(stacked[plan.construction.name][1:]),
            }
            for plan in plans
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


def _plan(construction: Construction, responses: Responses, least: int, halvings: int, seed: int) -> _Plan:
    if construction.position == ANSWER_MEAN:
        responses = responses[~responses.empty]
    everything = construction.weigh(responses, least)
    questions = np.unique(responses.question_ids)
    generator = np.random.default_rng(seed)
    weights = [everything]
    for _ in range(halvings):
        first = generator.permutation(questions)[: len(questions) // 2]
        inside = np.isin(responses.question_ids.astype(str), first.astype(str))
        weights += [_half(construction, responses, half) for half in (inside, ~inside)]
    keys = responses.keys(construction.position)
    distinct = sorted(set(keys))
    row = {key: index for index, key in enumerate(distinct)}
    column = np.array([row[key] for key in keys])
    counts = {
        "n_questions": len(questions),
        "n_responses": len(responses),
        "n_misaligned": int(responses.misaligned.sum()),
        "n_aligned": int(responses.aligned.sum()),
    }
    summed = np.zeros((len(weights), len(distinct)))
    np.add.at(summed.T, column, np.stack(weights, axis=1))
    return _Plan(construction, distinct, summed, counts)


def _half(construction: Construction, responses: Responses, half: NDArray[np.bool_]) -> Floats:
    """Weights of one half of the questions; all zero where it does not hold both classes."""
    weights = np.zeros(len(responses))
    try:
        weights[half] = construction.weigh(responses[half], 1)
    except Absent:
        return weights
    return weights


def _rows(plan: _Plan, path: Path, layer: int) -> Floats:
    table = read_activations(path, plan.construction.position, [layer])
    return table.at(plan.keys)[:, 0].astype(np.float64)


def _split_half(halves: Floats) -> dict[str, Any]:
    """Cosine of the directions of two halves, over halvings; `halves` is [2 * halvings, layers, d]."""
    cosines = cosine(halves[0::2], halves[1::2])  # [halvings, layers]
    defined = cosines[~np.isnan(cosines).any(axis=1)]
    content = {"halvings": len(cosines), "undefined": len(cosines) - len(defined)}
    if len(defined) == 0:
        return {**content, "mean": None, "min": None, "reason": "no half held what the direction needs"}
    return {**content, "mean": defined.mean(axis=0).tolist(), "min": defined.min(axis=0).tolist()}


def _listed(values: Floats) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
