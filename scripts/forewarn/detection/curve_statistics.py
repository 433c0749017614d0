"""AUROC of one reader of responses, within prompts and pooled, with its intervals and its null."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.detection.labelled import Labelled
from forewarn.statistics.auroc import Floats
from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.pairs import Pairs, count_pairs, shuffled_within, within_areas

_KINDS: dict[str, Callable[..., Floats]] = {"within_prompt": Pairs.within, "pooled": Pairs.pooled}


@dataclass(frozen=True)
class Judge:
    """Measures scores of the same responses; every score sees the same resamples and shufflings.

    Attributes:
        responses: with their labels.
        bootstrap: resamples of the prompts.
        permutations: shufflings of the labels inside prompts.
        seed: of both.
        confidence: of intervals and null bands.
    """

    responses: Labelled
    bootstrap: int
    permutations: int
    seed: int
    confidence: float

    @cached_property
    def drawn(self) -> NDArray[np.int64]:
        """How often each prompt is in each bootstrap resample: int64 [resamples, prompts]."""
        return resample(len(self.responses.prompts), self.bootstrap, self.seed)

    @cached_property
    def labellings(self) -> NDArray[np.bool_]:
        """The labels, and after them their shufflings inside prompts: bool [1 + permutations, responses]."""
        responses = self.responses
        shuffled = shuffled_within(responses.misaligned, responses.prompt, self.permutations, self.seed + 1)
        return np.concatenate([responses.misaligned[None], shuffled])

    def pairs(self, scores: Floats) -> Pairs:
        """The pairs that scores [responses] put in order."""
        return count_pairs(scores, self.responses.misaligned, self.responses.prompt)

    def areas(self, pairs: Pairs) -> dict[str, Any]:
        """`{"within_prompt": {"auroc", "n_prompts", "interval"}, "pooled": {"auroc", "interval"}}`.

        Within prompts AUROC is the mean over the prompts with both classes. Intervals come from resampling
        whole prompts under the scores as they are; what fitting adds to the uncertainty is not in them.
        Where AUROC is undefined it is None, with a "reason".
        """
        found: dict[str, Any] = {}
        for kind, value in _KINDS.items():
            entry = {"auroc": _number(value(pairs)), "interval": self._interval(value(pairs, self.drawn))}
            if entry["auroc"] is None:
                lacks = "no prompt has responses of both classes" if kind == "within_prompt" else "one class only"
                entry["reason"] = lacks
            found[kind] = entry
        found["within_prompt"]["n_prompts"] = pairs.mixed
        return found

    def gain(self, pairs: Pairs, baseline: Pairs) -> dict[str, Any]:
        """How far AUROC is above the baseline's: per kind `{"difference", "interval"}`, paired by resample."""
        return {
            kind: {
                "difference": _number(value(pairs) - value(baseline)),
                "interval": self._interval(value(pairs, self.drawn) - value(baseline, self.drawn)),
            }
            for kind, value in _KINDS.items()
        }

    def null(self, scores: Floats) -> dict[str, Any]:
        """Within-prompt AUROC beside those under labels that were shuffled inside prompts.

        Args:
            scores: float64 [1 + permutations, responses] of a reader that was fitted to each of `labellings`;
                or [responses] of one that was fitted to none of them, so that its scores stay.

        Returns:
            `{"mean", "low", "high", "beyond", "p_value", "permutations", "confidence"}`: the p-value is
            one-sided, (1 + shufflings that reach the observed value) / (1 + shufflings); beyond means above
            `high`. None with a "reason" where AUROC is undefined.
        """
        values = within_areas(scores, self.labellings, self.responses.prompt)
        told = {"permutations": self.permutations, "confidence": self.confidence}
        nothing = dict.fromkeys(("mean", "low", "high", "beyond", "p_value"))
        if np.isnan(values[0]):
            return nothing | told | {"reason": "no prompt has responses of both classes"}
        # Sums of the same numbers in another order differ in their last digits.
        chance, observed = values[1:], values[0]
        low, high = np.quantile(chance, [(1 - self.confidence) / 2, (1 + self.confidence) / 2])
        return {
            "mean": float(chance.mean()),
            "low": float(low),
            "high": float(high),
            "beyond": bool(observed > high + 1e-9),
            "p_value": (1 + int(np.sum(chance >= observed - 1e-9))) / (1 + len(chance)),
        } | told

    def _interval(self, draws: Floats) -> dict[str, Any]:
        return percentile_interval(draws, self.confidence).as_dict()


def _number(value: Floats) -> float | None:
    return None if np.isnan(value) else float(value)
