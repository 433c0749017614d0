"""One score per test prompt against the labels of its responses: AUROC with all its company."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.detection.prompts import Prompts
from forewarn.geometry.random_directions import covariance_matched, isotropic
from forewarn.statistics.auroc import Floats, Groups, auroc, auroc_by_group
from forewarn.statistics.bootstrap import bootstrap_auroc, percentile_interval, resample
from forewarn.statistics.ceiling import oracle_ceiling
from forewarn.statistics.nulls import against_null, null_aurocs

_HALVINGS = 100


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        bootstrap: resamples of the test prompts.
        random_directions: of each kind, for the null.
        seed: of both.
        confidence: of intervals and null bands.
    """

    bootstrap: int
    random_directions: int
    seed: int
    confidence: float


@dataclass(frozen=True)
class Evaluator:
    """Measures scores on one set of test prompts; every score sees the same resamples.

    Attributes:
        prompts: the test prompts with one model's labels.
        settings: how to measure.
    """

    prompts: Prompts
    settings: Settings

    @cached_property
    def drawn(self) -> NDArray[np.int64]:
        """How often each prompt is in each bootstrap resample: int64 [resamples, prompts]."""
        return resample(len(self.prompts), self.settings.bootstrap, self.settings.seed)

    @cached_property
    def groupings(self) -> dict[str, Groups | None]:
        """All prompts together, and compared within category or condition only."""
        return {
            "pooled": None,
            "within_category": self.prompts.categories,
            "within_condition": self.prompts.conditions,
        }

    def area(self, scores: Floats, groups: Groups | None = None) -> dict[str, Any]:
        """`{"auroc", "interval"}`, with "reason" where AUROC is undefined; per group too, if grouped."""
        labels = self.prompts.labels
        found = auroc(scores, labels, groups)
        draws = bootstrap_auroc(scores, labels, self.drawn, groups)
        content: dict[str, Any] = {"auroc": found.value}
        if found.reason:
            content["reason"] = found.reason
        content["interval"] = percentile_interval(draws, self.settings.confidence).as_dict()
        if groups is not None:
            content["groups"] = {
                name: inside.value for name, inside in auroc_by_group(scores, labels, groups).items()
            }
        return content

    def gain(self, scores: Floats, baseline: Floats) -> dict[str, Any]:
        """How much AUROC is above the baseline's, with a paired bootstrap interval."""
        labels = self.prompts.labels
        a, b = auroc(scores, labels).value, auroc(baseline, labels).value
        draws = bootstrap_auroc(scores, labels, self.drawn) - bootstrap_auroc(baseline, labels, self.drawn)
        return {
            "difference": None if a is None or b is None else a - b,
            "interval": percentile_interval(draws, self.settings.confidence).as_dict(),
        }

    def random_directions(self, background: NDArray[Any]) -> dict[str, Floats]:
        """Random directions by kind: float64 [directions, d_model].

        Args:
            background: float [prompts, d_model], whose covariance the second kind matches. No label
                is used, so test prompts may be among them.
        """
        count, seed = self.settings.random_directions, self.settings.seed
        kinds = {"isotropic": isotropic(count, background.shape[1], seed)}
        if np.ptp(background, axis=0).any():
            kinds["covariance_matched"] = covariance_matched(background, count, seed + 1)
        else:
            kinds["covariance_matched"] = np.zeros((0, background.shape[1]))
        return kinds

    def nulls(
        self, vectors: NDArray[Any], drawn: dict[str, Floats], areas: dict[str, dict[str, Any]]
    ) -> dict[str, dict[str, Any]]:
        """Each area against random directions on the same prompts: {grouping: {kind: Null.as_dict}}."""
        return {
            grouping: {
                kind: against_null(
                    areas[grouping]["auroc"],
                    null_aurocs(vectors, directions, self.prompts.labels, groups),
                    self.settings.confidence,
                ).as_dict()
                for kind, directions in drawn.items()
            }
            for grouping, groups in self.groupings.items()
        }

    def ceilings(self) -> dict[str, dict[str, Any]]:
        """Oracle ceiling per grouping."""
        return {
            grouping: oracle_ceiling(self.prompts.labels, _HALVINGS, self.settings.seed, groups).as_dict()
            for grouping, groups in self.groupings.items()
        }

    def within_prompt(self, scores: Floats) -> dict[str, Any]:
        """AUROC among the responses of one prompt, measured: 0.5 by construction, or undefined."""
        found = auroc(scores, self.prompts.labels, self.prompts.question_ids)
        content = {"auroc": found.value, "n_prompts": self.prompts.labels.mixed}
        return content | ({"reason": found.reason} if found.reason else {})
