"""How far a figure depends on choices that could have been made otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.detection.evaluation import Evaluator
from forewarn.detection.labelling import TREATMENTS
from forewarn.detection.probe import logistic_weights
from forewarn.detection.prompts import Prompts
from forewarn.detection.text_baseline import text_scores
from forewarn.statistics.auroc import auroc
from forewarn.statistics.bootstrap import bootstrap_auroc, percentile_interval, resample
from forewarn.statistics.influence import most_influential
from forewarn.statistics.labels import Labels

Floats = NDArray[np.float64]


def threshold_sweep(
    evaluator: Evaluator, scores: Floats, alignment: list[float], coherence: list[float]
) -> list[dict[str, Any]]:
    """AUROC under every pair of thresholds on the judge's scores."""
    responses = evaluator.prompts.responses
    return [
        {"alignment_below": below, "coherence_above": above}
        | _measured(evaluator, scores, responses.at_thresholds(below, above))
        for below in alignment
        for above in coherence
    ]


def treatments(evaluator: Evaluator, scores: Floats, coherence_above: float) -> dict[str, dict[str, Any]]:
    """AUROC under each treatment of incoherent, empty and unscored responses."""
    return {
        treatment: {"rule": rule}
        | _measured(evaluator, scores, evaluator.prompts.responses.treated(treatment, coherence_above))
        for treatment, rule in TREATMENTS.items()
    }


def influence(evaluator: Evaluator, scores: Floats) -> dict[str, Any]:
    """AUROC without the prompt that matters most to it."""
    found = most_influential(scores, evaluator.prompts.labels)
    index = found.pop("prompt", None)
    return {"question_id": None if index is None else str(evaluator.prompts.question_ids[index])} | found


def leave_one_category_out(
    prompts: Prompts, vectors: Floats, strength: float, evaluator: Evaluator
) -> dict[str, Any]:
    """Each category's prompts, of all splits, scored by what was fitted on all other categories.

    Compared are only prompts of one category, so that nothing is gained from telling categories apart.

    Args:
        prompts: of all splits.
        vectors: float64 [prompts, d_model], the target's at one layer.
        strength: inverse penalty of the probe.
        evaluator: for its settings.

    Returns:
        `{"linear_probe", "mean_difference", "text"}`, each `{"auroc", "interval", "groups"}` or with a
        "reason", and "gain": the probe over the text.
    """
    names = np.unique(prompts.categories)
    if len(names) < 2:
        return {"reason": "all prompts are of one category"}
    scores = {name: np.full(len(prompts), np.nan) for name in ("linear_probe", "mean_difference", "text")}
    for name in names:
        here = prompts.categories == name
        labels = prompts.labels[~here]
        weights = {
            "linear_probe": logistic_weights(vectors[~here], labels, strength),
            "mean_difference": _mean_difference(vectors[~here], labels),
        }
        for detector, found in weights.items():
            if found is not None:
                scores[detector][here] = vectors[here] @ found
        words = text_scores(prompts.texts[~here], labels, prompts.texts[here])
        if words is not None:
            scores["text"][here] = words
    everything = replace(evaluator, prompts=prompts)
    content: dict[str, Any] = {}
    draws = {}
    for detector, values in scores.items():
        if np.isnan(values).any():
            content[detector] = {"auroc": None, "reason": "some category leaves one class only to fit on"}
            continue
        content[detector] = everything.area_within(values, prompts.categories)
        draws[detector] = bootstrap_auroc(values, prompts.labels, everything.drawn, prompts.categories)
    if {"linear_probe", "text"} <= set(draws):
        first, second = content["linear_probe"]["auroc"], content["text"]["auroc"]
        content["gain"] = {
            "difference": None if first is None or second is None else first - second,
            "interval": everything.interval(draws["linear_probe"] - draws["text"]),
        }
    return content


def _mean_difference(vectors: Floats, labels: Labels) -> Floats | None:
    """Mean of the prompts weighted by their misaligned responses, minus that weighted by the others."""
    if labels.one_class():
        return None
    bad, good = labels.misaligned.astype(np.float64), labels.others.astype(np.float64)
    found: Floats = bad @ vectors / bad.sum() - good @ vectors / good.sum()
    return found


def _measured(evaluator: Evaluator, scores: Floats, labels: Labels) -> dict[str, Any]:
    found = auroc(scores, labels)
    drawn = resample(len(labels), evaluator.bootstrap, evaluator.seed)
    interval = percentile_interval(bootstrap_auroc(scores, labels, drawn), evaluator.confidence, len(labels))
    content = {
        "auroc": found.value,
        "interval": interval.as_dict(),
        "n_responses": int(labels.responses.sum()),
        "n_misaligned": int(labels.misaligned.sum()),
    }
    return content | ({"reason": found.reason} if found.reason else {})
