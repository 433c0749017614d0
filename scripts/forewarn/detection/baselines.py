"""What else tells which prompts are answered badly, without looking for misalignment inside the organism.

A detector that does no better than one of these has read the prompt's risk, its topic or its length, and not
the model's intent (the review in arXiv 2606.30449 shows how easily that happens).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from forewarn.detection.layer_choice import choose_layer
from forewarn.detection.probe import logistic_weights
from forewarn.detection.prompts import Prompts
from forewarn.detection.text_baseline import text_scores
from forewarn.errors import StudyError
from forewarn.geometry.first_token import first_token_readings
from forewarn.refusal.projection import refusal_projection
from forewarn.statistics.tables import read_columns, refuse_duplicates

Floats = NDArray[np.float64]
Scores = dict[str, Floats]


def prompt_baselines(
    prompts: Prompts,
    *,
    activations: Path,
    nearness: Floats | None,
    embeddings: Path | None,
    refusal: tuple[Path, Path] | None,
    strength: float,
) -> tuple[Scores, dict[str, str]]:
    """Scores of all prompts by baselines that no direction enters.

    Args:
        prompts: of all splits, with the target's labels.
        activations: the target's, for what it would say first.
        nearness: float64 [layers, prompts], see `Walk.nearness`.
        embeddings: sentence embeddings of the prompts, see `read_embeddings`.
        refusal: the refusal direction and what is known of it; see `forewarn.refusal.projection`.
        strength: inverse penalty of the fitted ones.

    Returns:
        name -> float64 [prompts], and name -> why a baseline is absent.
    """
    scores: Scores = {}
    absent: dict[str, str] = {}
    fitted_on = "fit" if np.any(prompts.splits == "fit") else "validation"
    fit = prompts.splits == fitted_on
    words = text_scores(prompts.texts[fit], prompts.labels[fit], prompts.texts)
    _put(scores, absent, "text", words, f"the {fitted_on} prompts have one class only, or no words")
    scores["category"] = category_rates(prompts)
    first = first_token_readings(activations, prompts.keys())
    if first is None:
        absent["first_token"] = f"{activations.name} holds no log-probabilities of the first token"
    else:
        entropy, log_probabilities = first
        scores["first_token_entropy"] = entropy
        why = f"the {fitted_on} prompts have one class only"
        fitted = _fitted(log_probabilities, prompts, fit, strength)
        _put(scores, absent, "first_token_log_probabilities", fitted, why)
    if nearness is None:
        absent["training_centroid"] = "no activations over the fine-tuning prompts were given"
    else:
        validation = prompts.splits == "validation"
        choice = choose_layer(nearness[:, validation], prompts.labels[validation])
        near = None if choice.index is None else nearness[choice.index]
        _put(scores, absent, "training_centroid", near, choice.reason or "")
    if embeddings is not None:
        vectors = read_embeddings(embeddings, prompts)
        fitted = _fitted(vectors, prompts, fit, strength)
        _put(scores, absent, "embedding", fitted, f"the {fitted_on} prompts have one class only")
    if refusal is not None:
        _put(scores, absent, "refusal_projection", *_refusal(prompts, refusal, activations))
    return scores, absent


def category_rates(prompts: Prompts) -> Floats:
    """Each prompt's score is the misalignment rate of its category in its own split: float64 [prompts].

    That is more than a detector could know, since the test prompts' own labels are in it. It is meant so: an
    effect of categories alone must not pass as detection.
    """
    rates = np.zeros(len(prompts))
    for split in np.unique(prompts.splits):
        for category in np.unique(prompts.categories):
            inside = (prompts.splits == split) & (prompts.categories == category)
            total = prompts.labels.responses[inside].sum()
            rates[inside] = prompts.labels.misaligned[inside].sum() / total if total else 0.0
    return rates


def _refusal(prompts: Prompts, refusal: tuple[Path, Path], activations: Path) -> tuple[Floats | None, str]:
    """Projections on the refusal direction, turned as validation prompts tell; or None, and why.

    A prompt that looks like one to refuse may be answered badly more often, or less: either would be known.
    """
    projection = refusal_projection(*refusal, activations, prompts.keys())
    if projection is None:
        return None, "no refusal direction was found"
    turned = np.stack([projection, -projection])
    validation = prompts.splits == "validation"
    choice = choose_layer(turned[:, validation], prompts.labels[validation])
    return (None if choice.index is None else turned[choice.index]), choice.reason or ""


def read_embeddings(path: Path, prompts: Prompts) -> Floats:
    """Embeddings of the prompts, in their order: float64 [prompts, dimensions].

    Raises:
        StudyError: the table cannot be read, holds a prompt twice, or lacks one.
    """
    ids = read_columns(path, pa.schema([pa.field("question_id", pa.string(), nullable=False)]))
    names = ids.column("question_id").to_pylist()
    refuse_duplicates(path, names, "the embedding of")
    row = {name: index for index, name in enumerate(names)}
    missing = [name for name in prompts.question_ids if name not in row]
    if missing:
        raise StudyError(f"{path} has no embedding of {missing[0]!r}", "embed the prompts again")
    column = pq.read_table(path, columns=["embedding"]).column("embedding").combine_chunks()
    values = column.flatten().to_numpy().reshape(len(names), -1).astype(np.float64)
    found: Floats = values[[row[name] for name in prompts.question_ids]]
    return found


def _fitted(features: Floats, prompts: Prompts, fit: NDArray[np.bool_], strength: float) -> Floats | None:
    weights = logistic_weights(features[fit], prompts.labels[fit], strength)
    return None if weights is None else features @ weights


def _put(scores: Scores, absent: dict[str, str], name: str, found: Floats | None, why: str) -> None:
    if found is None:
        absent[name] = why
    else:
        scores[name] = found
