"""Detection in one model: its activations at the last prompt token against its own responses' labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from forewarn.detection.baselines import prompt_baselines
from forewarn.detection.detector import Settings, evaluate_detector
from forewarn.detection.evaluation import Evaluator
from forewarn.detection.layers import PROBE, Walk, walk
from forewarn.detection.prompts import SPLITS, Prompts
from forewarn.detection.readers import Linear, Reader, project
from forewarn.detection.robustness import leave_one_category_out
from forewarn.geometry.random_directions import isotropic
from forewarn.statistics.auroc import Floats, Roc, roc
from forewarn.statistics.ceiling import oracle_roc

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Target:
    """The model that reads the prompts, and whose responses carry the labels.

    Attributes:
        prompts: of all splits, with this model's labels.
        readers: this model first; then those that read the same prompts for comparison, since a direction
            that works as well in a model without the behaviour reads the prompt's risk.
        training_prompts: the instruct model's activations over the fine-tuning prompts; None without.
        embeddings: sentence embeddings of the prompts; None without.
        refusal: the refusal direction and its summary; None without.
    """

    prompts: Prompts
    readers: list[Reader]
    training_prompts: Path | None = None
    embeddings: Path | None = None
    refusal: tuple[Path, Path] | None = None

    @property
    def name(self) -> str:
        """ "organism" or "instruct"."""
        return self.readers[0].name


@dataclass(frozen=True)
class Found:
    """What detection in one target gives.

    Attributes:
        summary: JSON form.
        projections: one row per detector and prompt, at the chosen layer.
        roc: one row per detector and threshold.
    """

    summary: dict[str, Any]
    projections: Rows = field(default_factory=list)
    roc: Rows = field(default_factory=list)


def evaluate_target(target: Target, detectors: list[Linear], layers: list[int], settings: Settings) -> Found:
    """Choose a layer per detector on validation prompts, and measure on test prompts.

    Args:
        target: the model.
        detectors: with weights at `layers`.
        layers: indices of the blocks.
        settings: how to measure.
    """
    prompts = target.prompts
    test = prompts.splits == "test"
    evaluator = Evaluator(prompts.of("test"), settings.bootstrap, settings.seed, settings.confidence)
    walked = walk(
        prompts, target.readers, detectors, layers,
        groupings=evaluator.groupings, probe_strengths=settings.probe_strengths,
        random_directions=settings.random_directions, seed=settings.seed,
        training_prompts=target.training_prompts,
    )  # fmt: skip
    strength = _strength(walked, settings)
    scores, absent = prompt_baselines(
        prompts, activations=target.readers[0].path, nearness=walked.nearness,
        embeddings=target.embeddings, refusal=target.refusal, strength=strength,
    )  # fmt: skip
    baselines = {name: evaluator.scored(values[test]) for name, values in scores.items()}
    labels = evaluator.prompts.labels
    found = Found(
        {
            **{split: prompts.of(split).counts(settings.confidence) for split in SPLITS},
            "categories": {split: sorted(map(str, set(prompts.of(split).categories))) for split in SPLITS},
            "ceiling": evaluator.ceilings(),
            "within_prompt": evaluator.within_prompt(_some_projection(target, layers[0])[test]),
            "baselines": {name: evaluator.area(each) for name, each in baselines.items()},
            "absent_baselines": absent,
            "majority": {
                "auroc": None if labels.one_class() else 0.5,
                "accuracy": _majority(labels.misaligned.sum(), labels.responses.sum()),
            },
            "null_by_layer": _bands(walked, settings.confidence),
            "detectors": {},
        }
    )
    for name, by_layer in walked.scores[target.name].items():
        entry, index = evaluate_detector(name, prompts, walked, baselines, evaluator, settings)
        found.summary["detectors"][name] = entry
        if index is None:
            continue
        told = {"target": target.name, "detector": name, "layer": layers[index]}
        found.projections.extend(_projection_rows(prompts, by_layer[index], told))
        points = roc(by_layer[index][test], labels)
        found.roc.extend(_points(points, told) if points else [])
    curve = oracle_roc(labels)
    told = {"target": target.name, "detector": "oracle", "layer": None}
    found.roc.extend(_points(curve, told) if curve else [])
    found.summary["probe_strengths"] = walked.strengths
    found.summary["leave_one_category_out"] = _left_out(target, walked, found.summary, strength, evaluator)
    return found


def _some_projection(target: Target, layer: int) -> Floats:
    """Any projection will do to show that a prompt's responses share it; take a random one."""
    vectors = target.readers[0].vectors(layer)
    return project(vectors, isotropic(1, vectors.shape[1], 0)[0])


def _strength(walked: Walk, settings: Settings) -> float:
    """Of what is fitted beside the probe: the strength that was chosen for it most often, or the first."""
    return max(walked.strengths or settings.probe_strengths[:1], key=walked.strengths.count)


def _left_out(
    target: Target, walked: Walk, summary: dict[str, Any], strength: float, evaluator: Evaluator
) -> dict[str, Any]:
    """At the layer of the probe, or of the first detector that has one."""
    ordered = [PROBE, *summary["detectors"]]
    chosen = [summary["detectors"][name]["layer"] for name in ordered if name in summary["detectors"]]
    layer = next((each for each in chosen if each is not None), None)
    if layer is None:
        return {"layer": None, "reason": "no layer could be chosen on the validation prompts"}
    vectors = target.readers[0].vectors(layer)
    return {"layer": layer} | leave_one_category_out(target.prompts, vectors, strength, evaluator)


def _bands(walked: Walk, confidence: float) -> dict[str, Any]:
    """Per layer, where the AUROC of random directions lies."""
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    content: dict[str, Any] = {"layers": walked.layers}
    for kind, by in walked.nulls.items():
        values = by["pooled"]
        if not values.size or np.isnan(values).all():
            content[kind] = {"low": None, "high": None, "reason": "AUROC is undefined, or none was drawn"}
            continue
        low, high = np.nanquantile(values, ends, axis=1)
        content[kind] = {"low": low.tolist(), "high": high.tolist()}
    return content


def _majority(misaligned: int, responses: int) -> float | None:
    return float(max(misaligned, responses - misaligned) / responses) if responses else None


def _projection_rows(prompts: Prompts, projections: Floats, told: dict[str, Any]) -> Rows:
    columns: list[Any] = [
        prompts.question_ids,
        prompts.splits,
        prompts.categories,
        prompts.conditions,
        projections.tolist(),
        prompts.labels.responses.tolist(),
        prompts.labels.misaligned.tolist(),
    ]
    names = ("question_id", "split", "category", "condition", "projection", "n", "n_misaligned")
    return [dict(zip(names, values, strict=True)) | told for values in zip(*columns, strict=True)]


def _points(curve: Roc, told: dict[str, Any]) -> Rows:
    return [
        told | {"threshold": threshold, "fpr": fpr, "tpr": tpr}
        for threshold, fpr, tpr in np.stack([curve.thresholds, curve.fpr, curve.tpr], axis=1).tolist()
    ]
