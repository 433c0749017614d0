"""Requests read and candidates scored: all of the published procedure that runs the model (2406.11717).

Candidates are ablated at the embedding and after every block, at every position, and added after their own
block. Random directions with the norm of a block's candidate are scored in the same way: what passes the
rules among these is what the rules let pass by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from forewarn.geometry.random_directions import covariance_matched, isotropic
from forewarn.models.interventions import Ablation, Addition
from forewarn.progress import Progress
from forewarn.refusal.candidates import (
    CANDIDATES,
    HARMFUL,
    HARMLESS,
    PROMPT_SAMPLE,
    REQUESTS,
    position_name,
)
from forewarn.refusal.reading import divergences, log_probabilities, read_closing, refusal_scores
from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.ratios import bootstrap_ratio

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Floats = NDArray[np.float64]
SPLITS = ("fit", "validation")


@dataclass(frozen=True)
class Scoring:
    """How candidates are scored.

    Attributes:
        openings: ids of the tokens that begin refusals.
        minimum_prompts: requests of a condition and split that must count.
        random_candidates: random directions of each kind and block.
        batch_rows: prompts that are read together.
        bootstrap: resamples of the requests.
        confidence: of the intervals.
        seed: of all draws.
    """

    openings: list[int]
    minimum_prompts: int
    random_candidates: int
    batch_rows: int
    bootstrap: int
    confidence: float
    seed: int


def read_requests(
    model: PreTrainedModel, questions: pa.Table, positions: int, how: Scoring
) -> tuple[pa.Table, pa.Table, NDArray[np.float32]]:
    """Score all requests of fit and validation, and read the activations of those of fit.

    Args:
        model: the instruct model.
        questions: a question set of requests.
        positions: how many tokens of the template stand behind the instruction.
        how: to score.

    Returns:
        A table of `REQUESTS`; an activation table with one row per fit request and position; and the same
        activations, float32 [fit requests, positions, layers, d_model], in the order of the first table.
    """
    rows = [row for row in questions.to_pylist() if row["split"] in SPLITS]
    said = log_probabilities(model, [row["token_ids"] for row in rows], how.batch_rows)
    scores = refusal_scores(said, how.openings)
    keys = REQUESTS.names[:4]
    requests = [
        {key: row[key] for key in keys}
        | {
            "refusal_score": float(score),
            "kept": bool((score if row["condition"] == HARMFUL else -score) > 0),
        }
        for row, score in zip(rows, scores, strict=True)
    ]
    fit = [row for row in rows if row["split"] == "fit"]
    vectors = read_closing(model, [row["token_ids"] for row in fit], positions, how.batch_rows)
    return pa.Table.from_pylist(requests, schema=REQUESTS), _activations(fit, vectors), vectors


def score_candidates(
    model: PreTrainedModel,
    questions: pa.Table,
    requests: pa.Table,
    vectors: NDArray[np.float32],
    how: Scoring,
) -> pa.Table:
    """Score every candidate, and random directions beside them, on the validation requests that count.

    Args:
        model: the instruct model; as it was, afterwards.
        questions: a question set of requests.
        requests: from `read_requests`.
        vectors: from `read_requests`.
        how: to score.

    Returns:
        A table of `CANDIDATES`, without rows where too few requests count.
    """
    prompts = dict(zip(questions["question_id"].to_pylist(), questions["token_ids"].to_pylist(), strict=True))
    rows = requests.to_pylist()
    fit = [row for row in rows if row["split"] == "fit"]
    chosen = {
        condition: np.array([row["kept"] and row["condition"] == condition for row in fit], dtype=bool)
        for condition in (HARMFUL, HARMLESS)
    }
    asked = {
        condition: [
            prompts[row["question_id"]]
            for row in rows
            if row["split"] == "validation" and row["kept"] and row["condition"] == condition
        ]
        for condition in (HARMFUL, HARMLESS)
    }
    counts = [*(int(mask.sum()) for mask in chosen.values()), *(len(each) for each in asked.values())]
    if min(counts) < how.minimum_prompts:
        return CANDIDATES.empty_table()
    wide = {condition: vectors[mask].astype(np.float64) for condition, mask in chosen.items()}
    means = wide[HARMFUL].mean(axis=0) - wide[HARMLESS].mean(axis=0)  # [positions, layers, d]
    before = log_probabilities(model, asked[HARMLESS], how.batch_rows)
    planned = [*_planned(means, vectors, how)]
    progress = Progress("score", len(planned), unit="candidates")
    found = []
    for kind, number, position, layer, vector in planned:
        head = {"kind": kind, "number": number, "position": position, "layer": layer}
        scores = _scores(model, asked, before, vector, layer, how)
        found.append(
            head
            | {"norm": float(np.linalg.norm(vector))}
            | scores
            | {"n_harmful": len(asked[HARMFUL]), "n_harmless": len(asked[HARMLESS])}
        )
        progress.step()
    return pa.Table.from_pylist(found, schema=CANDIDATES)


def _planned(
    means: Floats, vectors: NDArray[np.float32], how: Scoring
) -> Iterator[tuple[str, int, int, int, Floats]]:
    """Kind, number, position, block and vector of all that is scored."""
    positions, layers, width = means.shape
    for position in range(positions):
        for layer in range(layers):
            yield "difference", 0, position - positions, layer, means[position, layer]
    if how.random_candidates == 0:
        return
    for layer in range(layers):
        norm = np.linalg.norm(means[-1, layer])
        rows = vectors[:, :, layer].reshape(-1, width)
        drawn = {
            "random_isotropic": isotropic(how.random_candidates, width, how.seed + layer),
            "random_covariance": covariance_matched(rows, how.random_candidates, how.seed + layer),
        }
        for kind, units in drawn.items():
            for number, unit in enumerate(units):
                yield kind, number, -1, layer, norm * unit


def _scores(
    model: PreTrainedModel,
    asked: dict[str, list[list[int]]],
    before: torch.Tensor,
    vector: Floats,
    layer: int,
    how: Scoring,
) -> dict[str, float | None]:
    """Means with intervals; all NaN where there is no direction."""
    if not np.isfinite(vector).all() or not vector.any():
        nothing = np.full(1, np.nan)
        return _told("ablated", nothing, how) | _told("induced", nothing, how) | _told("kl", nothing, how)
    direction = torch.from_numpy(vector.astype(np.float32))
    ablation, addition = [Ablation(direction)], [Addition(direction, layer)]
    ablated = log_probabilities(model, asked[HARMFUL], how.batch_rows, ablation)
    induced = log_probabilities(model, asked[HARMLESS], how.batch_rows, addition)
    after = log_probabilities(model, asked[HARMLESS], how.batch_rows, ablation)
    return (
        _told("ablated", refusal_scores(ablated, how.openings), how)
        | _told("induced", refusal_scores(induced, how.openings), how)
        | _told("kl", divergences(before, after), how)
    )


def _told(name: str, values: Floats, how: Scoring) -> dict[str, float | None]:
    value = float(values.mean())
    if not np.isfinite(value):
        return {name: float("nan"), f"{name}_low": None, f"{name}_high": None}
    drawn = resample(len(values), how.bootstrap, how.seed)
    draws = bootstrap_ratio(values, np.ones(len(values)), drawn)
    interval = percentile_interval(draws, how.confidence, len(values))
    return {name: value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _activations(fit: list[dict[str, Any]], vectors: NDArray[np.float32]) -> pa.Table:
    """One row per request and position, as in all activation tables."""
    _, positions, layers, width = vectors.shape
    names = [position_name(position) for position in range(-positions, 0)]
    head = {
        "question_id": pa.array([row["question_id"] for row in fit for _ in names], pa.string()),
        "sample": pa.array([PROMPT_SAMPLE] * len(fit) * positions, pa.int32()),
        "position": pa.array([name for _ in fit for name in names], pa.string()),
        "n_tokens": pa.array([len(row["token_ids"]) for row in fit for _ in names], pa.int32()),
    }
    columns = {
        f"layer_{layer:02d}": pa.FixedSizeListArray.from_arrays(
            pa.array(np.ascontiguousarray(vectors[:, :, layer]).reshape(-1)), width
        )
        for layer in range(layers)
    }
    return pa.table(head | columns)
