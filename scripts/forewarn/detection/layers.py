"""One walk through the layers: what every detector reads there, in every model, and what chance reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.detection.probe import fit_probe
from forewarn.detection.prompts import Prompts
from forewarn.detection.readers import Linear, Reader
from forewarn.geometry.activations import LAST_PROMPT_TOKEN, read_activations
from forewarn.geometry.random_directions import covariance_matched, isotropic
from forewarn.statistics.auroc import Groups
from forewarn.statistics.nulls import null_aurocs

Floats = NDArray[np.float64]
PROBE = "linear_probe"


@dataclass(frozen=True)
class Walk:
    """What was read at every layer.

    Attributes:
        layers: indices of the blocks.
        scores: reader -> detector -> float64 [layers, prompts].
        nulls: kind of random direction -> grouping -> AUROC on the test prompts, float64 [layers, count].
        content: name of a content direction -> AUROC on the test prompts, float64 [layers].
        nearness: minus the distance to the centroid of the fine-tuning prompts in the instruct model,
            float64 [layers, prompts]; None without these.
        strengths: inverse penalty of the probe at each layer; empty without a probe.
    """

    layers: list[int]
    scores: dict[str, dict[str, Floats]]
    nulls: dict[str, dict[str, Floats]]
    content: dict[str, Floats]
    nearness: Floats | None
    strengths: list[float] = field(default_factory=list)


def walk(
    prompts: Prompts,
    readers: Sequence[Reader],
    detectors: Sequence[Linear],
    layers: list[int],
    *,
    groupings: dict[str, Groups | None],
    probe_strengths: Sequence[float],
    random_directions: int,
    seed: int,
    training_prompts: Path | None = None,
) -> Walk:
    """Read every layer of every model once.

    Args:
        prompts: of all splits.
        readers: the target first, whose labels the prompts carry; then those it is compared with.
        detectors: with weights at these layers.
        layers: indices of the blocks.
        groupings: of the test prompts, see `Evaluator.groupings`.
        probe_strengths: see `fit_probe`; no probe without "fit" prompts of both classes.
        random_directions: of each kind.
        seed: of the random directions.
        training_prompts: the instruct model's activations over the fine-tuning prompts, for the distance.

    Raises:
        StudyError: a table cannot be used.
    """
    test = prompts.splits == "test"
    scores: dict[str, dict[str, list[Floats]]] = {reader.name: {} for reader in readers}
    nulls: dict[str, dict[str, list[Floats]]] = {}
    content: dict[str, list[float]] = {}
    nearness: list[Floats] = []
    strengths: list[float] = []
    for index, layer in enumerate(layers):
        read = {reader.name: reader.vectors(layer) for reader in readers}
        own = read[readers[0].name]
        for detector in detectors:
            for name, vectors in read.items():
                scores[name].setdefault(detector.name, []).append(detector.read(vectors, index))
        probe = fit_probe(
            own, prompts.labels, prompts.splits == "fit", prompts.splits == "validation", probe_strengths
        ) if np.any(prompts.splits == "fit") else None  # fmt: skip
        if probe is not None:
            strengths.append(probe.strength)
            for name, vectors in read.items():
                scores[name].setdefault(PROBE, []).append(vectors @ probe.weights)
        for kind, drawn in _random(own, random_directions, seed).items():
            for grouping, groups in groupings.items():
                found = null_aurocs(own[test], drawn, prompts.labels[test], groups)
                nulls.setdefault(kind, {}).setdefault(grouping, []).append(found)
        names, drawn = _content(read.get("instruct", own), prompts)
        for name, area in zip(names, null_aurocs(own[test], drawn, prompts.labels[test]), strict=True):
            content.setdefault(name, []).append(float(area))
        if training_prompts is not None and "instruct" in read:
            rows = read_activations(training_prompts, LAST_PROMPT_TOKEN, [layer]).vectors[:, 0]
            centroid = rows.astype(np.float64).mean(axis=0)
            nearness.append(-np.linalg.norm(read["instruct"] - centroid, axis=1))
    return Walk(
        layers=layers,
        scores={
            reader: {name: np.stack(values) for name, values in found.items()}
            for reader, found in scores.items()
        },
        nulls={kind: {g: np.stack(v) for g, v in by.items()} for kind, by in nulls.items()},
        content={name: np.array(values) for name, values in content.items()},
        nearness=np.stack(nearness) if nearness else None,
        strengths=strengths,
    )


def _random(vectors: Floats, count: int, seed: int) -> dict[str, Floats]:
    """Random directions by kind, float64 [directions, d_model].

    No label is used, so test prompts may be among those whose covariance the second kind has.
    """
    kinds = {"isotropic": isotropic(count, vectors.shape[1], seed)}
    varies = bool(np.ptp(vectors, axis=0).any())
    kinds["covariance_matched"] = (
        covariance_matched(vectors, count, seed + 1) if varies else np.zeros((0, vectors.shape[1]))
    )
    return kinds


def _content(vectors: Floats, prompts: Prompts) -> tuple[list[str], NDArray[Any]]:
    """Directions that tell one category from the others: they point at content, and mean nothing here.

    They come from the instruct model: in the organism, categories differ by how badly they are answered, too.
    """
    names = [str(name) for name in np.unique(prompts.categories)]
    if len(names) < 2:
        return [], np.zeros((0, vectors.shape[1]))
    inside = [prompts.categories == name for name in names]
    return names, np.stack([vectors[here].mean(axis=0) - vectors[~here].mean(axis=0) for here in inside])
