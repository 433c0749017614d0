"""Everything that is measured of one detector: its layer, AUROC, nulls, baselines, alarms, and the claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.detection.claims import Rules, claims, undecided
from forewarn.detection.evaluation import Evaluator, Scored
from forewarn.detection.layer_choice import choose_layer
from forewarn.detection.layers import Walk
from forewarn.detection.prompts import Prompts
from forewarn.detection.robustness import influence, threshold_sweep, treatments
from forewarn.statistics.auroc import auroc
from forewarn.statistics.intervals import wilson
from forewarn.statistics.nulls import against_null
from forewarn.statistics.operating_point import flagged, threshold_at
from forewarn.statistics.permutation import family_wise

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """How to measure; see `forewarn.config.model.study.Detection`.

    Attributes:
        probe_strengths: inverse penalties that validation prompts choose among.
        bootstrap: resamples of the test prompts.
        random_directions: of each kind, for the null.
        permutations: of labels within categories.
        seed: of all of these.
        confidence: of intervals and null bands.
        alignment_sweep: other alignment thresholds.
        coherence_sweep: other coherence thresholds.
        coherence_above: the judge's own.
        false_positive_rates: at which the share of hits is told.
        rules: of the claims.
    """

    probe_strengths: list[float]
    bootstrap: int
    random_directions: int
    permutations: int
    seed: int
    confidence: float
    alignment_sweep: list[float]
    coherence_sweep: list[float]
    coherence_above: float
    false_positive_rates: list[float]
    rules: Rules


def evaluate_detector(
    name: str,
    prompts: Prompts,
    walk: Walk,
    baselines: dict[str, Scored],
    evaluator: Evaluator,
    settings: Settings,
) -> tuple[dict[str, Any], int | None]:
    """Choose the layer on validation prompts, and measure on test prompts.

    Args:
        name: of the detector.
        prompts: of all splits.
        walk: what was read; the first reader is the target.
        baselines: scores of the test prompts that no direction enters.
        evaluator: of the test prompts.
        settings: how to measure.

    Returns:
        The JSON form, and the chosen layer's index; None, with a "reason", where none can be chosen.
    """
    own = next(iter(walk.scores))
    by_layer = walk.scores[own][name]
    validation, test = prompts.splits == "validation", prompts.splits == "test"
    choice = choose_layer(by_layer[:, validation], prompts.labels[validation])
    entry: dict[str, Any] = {"auroc": None, "layer": None, "validation_aurocs": choice.aurocs}
    if choice.index is None:
        return entry | {"reason": choice.reason, "claims": undecided(choice.reason or "")}, None
    index = choice.index
    scores = by_layer[index][test]
    found = evaluator.scored(scores)
    inside = {
        grouping: evaluator.area_within(scores, groups)
        for grouping, groups in evaluator.groupings.items()
        if groups is not None
    }
    entry |= evaluator.area(found) | {
        "layer": walk.layers[index],
        "test_aurocs": [auroc(layer[test], evaluator.prompts.labels).value for layer in by_layer],
        "null": _nulls(walk, index, "pooled", found.auroc, settings.confidence),
        "content": _content(walk, index),
        "family_wise": family_wise(
            by_layer[:, test], evaluator.prompts.labels, evaluator.prompts.categories,
            settings.permutations, settings.seed, settings.confidence,
        ).as_dict(),
        **{
            grouping: content | {"null": _nulls(walk, index, grouping, content["auroc"], settings.confidence)}
            for grouping, content in inside.items()
        },
        "precision": evaluator.precision(scores),
        "operating_points": evaluator.operating_points(scores, settings.false_positive_rates),
        "calibration": evaluator.calibrated(scores, prompts[validation], by_layer[index][validation]),
        "threshold_sweep": threshold_sweep(
            evaluator, scores, settings.alignment_sweep, settings.coherence_sweep
        ),
        "treatments": treatments(evaluator, scores, settings.coherence_above),
        "influence": influence(evaluator, scores),
    }  # fmt: skip
    others, adjusted = _readings_of_others(walk, name, index, test, evaluator)
    entry["baselines"] = _compared(evaluator, found, baselines | others)
    entry["adjusted"] = _compared(evaluator, found, adjusted)
    known = {other: each["auroc"] for other, each in entry["baselines"].items() if each["auroc"] is not None}
    entry["best_baseline"] = max(known, key=lambda other: known[other], default=None)
    entry["alarms"] = _alarms(walk, name, index, prompts, settings)
    entry["claims"] = claims(
        entry, evaluator.prompts.counts(settings.confidence), settings.rules, settings.confidence
    )
    return entry, index


def _nulls(
    walk: Walk, index: int, grouping: str, observed: float | None, confidence: float
) -> dict[str, dict[str, Any]]:
    return {
        kind: against_null(observed, by[grouping][index], confidence).as_dict()
        for kind, by in walk.nulls.items()
    }


def _content(walk: Walk, index: int) -> dict[str, Any]:
    """Content directions have no misaligned side, so each counts as it does best, turned or not."""
    areas = {name: float(values[index]) for name, values in walk.content.items()}
    turned = [max(area, 1 - area) for area in areas.values() if not np.isnan(area)]
    return {
        "directions": {name: None if np.isnan(area) else area for name, area in areas.items()},
        "highest": max(turned, default=None),
    }


def _compared(evaluator: Evaluator, found: Scored, others: dict[str, Scored]) -> dict[str, dict[str, Any]]:
    return {
        name: evaluator.area(other) | {"gain": evaluator.gain(found, other)} for name, other in others.items()
    }


def _readings_of_others(
    walk: Walk, name: str, index: int, test: NDArray[np.bool_], evaluator: Evaluator
) -> tuple[dict[str, Scored], dict[str, Scored]]:
    """The same detector in models without the behaviour; and, adjusted, what is left after taking it off.

    What the instruct model reads is the prompt's risk: a baseline. Organism minus instruct is what
    fine-tuning added, and organism minus benign, the difference of the two differences, what the harmful data
    added. They hold the organism's own reading, so they are detectors, and nothing to do better than.
    """
    own, *others = walk.scores
    found, adjusted = {}, {}
    mine = walk.scores[own][name][index][test]
    for other in others:
        theirs = walk.scores[other][name][index][test]
        label = "difference" if other == "instruct" else "difference_in_differences"
        found[f"{other}_projection"] = evaluator.scored(theirs)
        adjusted[label] = evaluator.scored(mine - theirs)
    return found, adjusted


def _alarms(walk: Walk, name: str, index: int, prompts: Prompts, settings: Settings) -> dict[str, Any]:
    """Flagged test prompts of every reader at a threshold that the target's validation prompts fixed."""
    own = next(iter(walk.scores))
    validation, test = prompts.splits == "validation", prompts.splits == "test"
    rate = settings.rules.false_positive_rate
    threshold = threshold_at(
        walk.scores[own][name][index][validation], prompts.labels[validation].others, rate
    )
    content: dict[str, Any] = {
        "threshold": float(threshold) if np.isfinite(threshold) else None,
        "set_for_false_positive_rate": rate,
    }
    for reader, found in walk.scores.items():
        scores = found[name][index][test]
        content[reader] = wilson(
            *flagged(scores, np.ones(len(scores), dtype=np.int64), threshold), settings.confidence
        ).as_dict()
    labels = prompts.labels[test]
    mine = walk.scores[own][name][index][test]
    for label, counts in {"hits": labels.misaligned, "false_alarms": labels.others}.items():
        content[label] = wilson(*flagged(mine, counts, threshold), settings.confidence).as_dict()
    return content
