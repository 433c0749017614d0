"""Detection in one model: its activations at the last prompt token against its own responses' labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.detection.evaluation import Evaluator, Settings
from forewarn.detection.layer_choice import choose_layer
from forewarn.detection.projections import project, project_layers, prompt_vectors
from forewarn.detection.prompts import Prompts
from forewarn.detection.text_baseline import text_scores
from forewarn.geometry.random_directions import isotropic
from forewarn.statistics.auroc import Floats, roc

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Target:
    """The model that reads the prompts, and whose responses carry the labels.

    Attributes:
        name: "organism" or "instruct".
        prompts: validation and test prompts with this model's labels.
        activations: table of this model's activations on them.
        others: further readers of the same prompts by name: their projection is a baseline, since a
            direction that works as well in a model without the behaviour reads the prompt's risk.
    """

    name: str
    prompts: Prompts
    activations: Path
    others: dict[str, Path]


@dataclass(frozen=True)
class Found:
    """What detection in one target gives.

    Attributes:
        summary: JSON form.
        projections: one row per direction and prompt, at the chosen layer.
        roc: one row per direction and threshold.
    """

    summary: dict[str, Any]
    projections: Rows
    roc: Rows


def evaluate_target(
    target: Target, directions: dict[str, NDArray[Any]], layers: list[int], settings: Settings
) -> Found:
    """Choose a layer per direction on validation prompts, and measure on test prompts.

    Args:
        target: the model.
        directions: float32 [layers, d_model] by name.
        layers: layer index of each row of a direction.
        settings: how to measure.
    """
    validation, test = target.prompts.of("validation"), target.prompts.of("test")
    evaluator = Evaluator(test, settings)
    words = text_scores(validation.texts, validation.labels, test.texts)
    summary: dict[str, Any] = {
        "validation": validation.counts(settings.confidence),
        "test": test.counts(settings.confidence),
        "ceiling": evaluator.ceilings(),
        "within_prompt": evaluator.within_prompt(_some_projection(target, test, layers)),
        "text": _text(evaluator, words),
        "directions": {},
    }
    projections = project_layers(target.activations, target.prompts.keys(), directions, layers)
    rows: Rows = []
    points: Rows = []
    for name, by_layer in projections.items():
        entry, index = _evaluate_direction(target, evaluator, by_layer, directions[name], layers, words)
        summary["directions"][name] = entry
        if index is None:
            continue
        told = {"target": target.name, "direction": name, "layer": layers[index]}
        rows += _projection_rows(target.prompts, by_layer[index], told)
        points += _roc_points(by_layer[index][target.prompts.splits == "test"], test, told)
    return Found(summary, rows, points)


def _evaluate_direction(
    target: Target,
    evaluator: Evaluator,
    by_layer: Floats,
    direction: NDArray[Any],
    layers: list[int],
    words: Floats | None,
) -> tuple[dict[str, Any], int | None]:
    validation = target.prompts.splits == "validation"
    choice = choose_layer(by_layer[:, validation], target.prompts.labels[validation])
    entry: dict[str, Any] = {"auroc": None, "layer": None, "validation_aurocs": choice.aurocs}
    if choice.index is None:
        return entry | {"reason": choice.reason}, None
    layer = layers[choice.index]
    scores = by_layer[choice.index][~validation]
    areas = {name: evaluator.area(scores, groups) for name, groups in evaluator.groupings.items()}
    vectors = prompt_vectors(target.activations, target.prompts.keys(), layer)
    nulls = evaluator.nulls(vectors[~validation], evaluator.random_directions(vectors), areas)
    baselines = {} if words is None else {"text": words}
    for reader, path in target.others.items():
        read = prompt_vectors(path, evaluator.prompts.keys(), layer)
        baselines[f"{reader}_projection"] = project(read, direction[choice.index])
    entry |= areas["pooled"] | {
        "layer": layer,
        "null": nulls["pooled"],
        "within_category": areas["within_category"] | {"null": nulls["within_category"]},
        "within_condition": areas["within_condition"] | {"null": nulls["within_condition"]},
        "baselines": {
            name: evaluator.area(baseline) | {"gain": evaluator.gain(scores, baseline)}
            for name, baseline in baselines.items()
        },
    }
    return entry, choice.index


def _some_projection(target: Target, test: Prompts, layers: list[int]) -> Floats:
    """Any projection will do to show that a prompt's responses share it; take a random one."""
    vectors = prompt_vectors(target.activations, test.keys(), layers[0])
    return project(vectors, isotropic(1, vectors.shape[1], 0)[0])


def _text(evaluator: Evaluator, words: Floats | None) -> dict[str, Any]:
    if words is None:
        reason = "the text baseline cannot be fitted: the validation prompts have one class only, or no words"
        return {"auroc": None, "reason": reason}
    return evaluator.area(words)


def _projection_rows(prompts: Prompts, projections: Floats, told: dict[str, Any]) -> Rows:
    columns = zip(
        prompts.question_ids,
        prompts.splits,
        prompts.categories,
        prompts.conditions,
        projections.tolist(),
        prompts.labels.responses.tolist(),
        prompts.labels.misaligned.tolist(),
        strict=True,
    )
    names = ("question_id", "split", "category", "condition", "projection", "n", "n_misaligned")
    return [dict(zip(names, values, strict=True)) | told for values in columns]


def _roc_points(scores: Floats, test: Prompts, told: dict[str, Any]) -> Rows:
    curve = roc(scores, test.labels)
    if curve is None:
        return []
    return [
        told | {"threshold": threshold, "fpr": fpr, "tpr": tpr}
        for threshold, fpr, tpr in np.stack([curve.thresholds, curve.fpr, curve.tpr], axis=1).tolist()
    ]
