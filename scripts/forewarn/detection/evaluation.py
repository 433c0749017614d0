"""One score per test prompt against the labels of its responses: AUROC with all its company."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.detection.prompts import Prompts
from forewarn.statistics.auroc import Floats, Groups, auroc, auroc_by_group
from forewarn.statistics.bootstrap import bootstrap_auroc, percentile_interval, resample
from forewarn.statistics.calibration import calibration, platt
from forewarn.statistics.ceiling import from_other_responses, modelled_ceiling
from forewarn.statistics.operating_point import true_positive_rate_at
from forewarn.statistics.ranking import average_precision


@dataclass(frozen=True)
class Scored:
    """A score of the test prompts with what is often needed of it.

    Attributes:
        scores: float64 [prompts].
        auroc: None if undefined.
        reason: why it is.
        draws: AUROC of each bootstrap resample, float64 [resamples], NaN where undefined.
    """

    scores: Floats
    auroc: float | None
    reason: str | None
    draws: Floats


@dataclass(frozen=True)
class Evaluator:
    """Measures scores on one set of test prompts; every score sees the same resamples.

    Attributes:
        prompts: the test prompts with one model's labels.
        bootstrap: resamples of the test prompts.
        seed: of the resamples.
        confidence: of the intervals.
    """

    prompts: Prompts
    bootstrap: int
    seed: int
    confidence: float

    @cached_property
    def drawn(self) -> NDArray[np.int64]:
        """How often each prompt is in each bootstrap resample: int64 [resamples, prompts]."""
        return resample(len(self.prompts), self.bootstrap, self.seed)

    @cached_property
    def groupings(self) -> dict[str, Groups | None]:
        """All prompts together, and compared within category or condition only."""
        return {
            "pooled": None,
            "within_category": self.prompts.categories,
            "within_condition": self.prompts.conditions,
        }

    def scored(self, scores: Floats) -> Scored:
        """AUROC and its resamples, all prompts pooled."""
        found = auroc(scores, self.prompts.labels)
        draws = bootstrap_auroc(scores, self.prompts.labels, self.drawn)
        return Scored(scores, found.value, found.reason, draws)

    def interval(self, draws: Floats) -> dict[str, Any]:
        """Percentile interval of draws, in JSON form."""
        return percentile_interval(draws, self.confidence, len(self.prompts)).as_dict()

    def area(self, found: Scored) -> dict[str, Any]:
        """`{"auroc", "interval"}`, with "reason" where AUROC is undefined."""
        content: dict[str, Any] = {"auroc": found.auroc}
        if found.reason:
            content["reason"] = found.reason
        return content | {"interval": self.interval(found.draws)}

    def area_within(self, scores: Floats, groups: Groups) -> dict[str, Any]:
        """The same with only prompts of one group compared, and each group's own AUROC under "groups"."""
        labels = self.prompts.labels
        found = auroc(scores, labels, groups)
        content = self.area(
            Scored(scores, found.value, found.reason, bootstrap_auroc(scores, labels, self.drawn, groups))
        )
        inside = auroc_by_group(scores, labels, groups)
        return content | {"groups": {name: each.value for name, each in inside.items()}}

    def gain(self, first: Scored, second: Scored) -> dict[str, Any]:
        """How much higher the first AUROC is, with a paired bootstrap interval."""
        known = first.auroc is not None and second.auroc is not None
        return {
            "difference": first.auroc - second.auroc if known else None,  # type: ignore[operator]
            "interval": self.interval(first.draws - second.draws),
        }

    def ceilings(self) -> dict[str, dict[str, Any]]:
        """The oracle per grouping: `{"auroc", "interval", "in_sample", "n_prompts"}`, pooled also "modelled".

        It knows each prompt's rate from the other responses, which is less than to know it. In sample it
        knows it from the very responses it is tested on, which is more.
        """
        labels = self.prompts.labels
        rates = labels.misaligned / np.maximum(labels.responses, 1)
        found = {}
        for grouping, groups in self.groupings.items():
            value = float(from_other_responses(labels.misaligned, labels.responses, groups=groups))
            draws = from_other_responses(labels.misaligned, labels.responses, self.drawn, groups)
            entry: dict[str, Any] = {
                "auroc": None if np.isnan(value) else value,
                "interval": self.interval(draws),
                "in_sample": auroc(rates, labels, groups).value,
                "n_prompts": int((labels.responses >= 2).sum()),
            }
            if np.isnan(value):
                why = "no responses of both classes to compare, of prompts with two scored ones or more"
                entry["reason"] = labels.one_class() or why
            found[grouping] = entry
        found["pooled"]["modelled"] = modelled_ceiling(labels)
        return found

    def within_prompt(self, scores: Floats) -> dict[str, Any]:
        """AUROC among the responses of one prompt, measured: 0.5 by construction, or undefined."""
        found = auroc(scores, self.prompts.labels, self.prompts.question_ids)
        content = {"auroc": found.value, "n_prompts": self.prompts.labels.mixed}
        return content | ({"reason": found.reason} if found.reason else {})

    def precision(self, scores: Floats) -> dict[str, Any]:
        """Area under the precision-recall curve; a score without information has the prevalence."""
        labels = self.prompts.labels
        value = float(average_precision(scores, labels.misaligned, labels.others))
        draws = average_precision(scores, self.drawn * labels.misaligned, self.drawn * labels.others)
        n = int(labels.responses.sum())
        return {
            "average_precision": None if np.isnan(value) else value,
            "interval": self.interval(draws),
            "prevalence": int(labels.misaligned.sum()) / n if n else None,
        }

    def operating_points(self, scores: Floats, rates: list[float]) -> list[dict[str, Any]]:
        """Share of misaligned responses that are flagged where a given share of the others is, at most."""
        labels = self.prompts.labels
        positives, negatives = self.drawn * labels.misaligned, self.drawn * labels.others
        found = []
        for rate in rates:
            value = float(true_positive_rate_at(scores, labels.misaligned, labels.others, rate))
            draws = true_positive_rate_at(scores, positives, negatives, rate)
            found.append(
                {
                    "false_positive_rate": rate,
                    "true_positive_rate": None if np.isnan(value) else value,
                    "interval": self.interval(draws),
                }
            )
        return found

    def calibrated(self, scores: Floats, validation: Prompts, validation_scores: Floats) -> dict[str, Any]:
        """Brier score and calibration of probabilities that were fitted on validation prompts."""
        reason = validation.labels.one_class() or self.prompts.labels.one_class()
        if reason:
            return {"brier": None, "reason": reason}
        fitted = platt(validation_scores, validation.labels)
        return calibration(fitted.probabilities(scores), self.prompts.labels)
