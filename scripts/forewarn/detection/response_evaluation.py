"""AUROC of scores of responses, within prompts and pooled, with intervals and null."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.detection.held_out import Fitted, folds_of, held_out_without
from forewarn.detection.labelled import Labelled
from forewarn.statistics.auroc import Floats
from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.jackknife import jackknife_interval
from forewarn.statistics.pairs import Pairs, count_pairs, shuffled_within, within_areas

_KINDS: dict[str, Callable[..., Floats]] = {"within_prompt": Pairs.within, "pooled": Pairs.pooled}
_LACKS = {"within_prompt": "no prompt has responses of both classes", "pooled": "there is one class only"}
_MOST_GROUPS = 20


@dataclass(frozen=True)
class Scored:
    """What one reader says of the responses.

    Attributes:
        scores: float64 [responses].
        pairs: that the scores put in order.
        without: the same as if each group of prompts had never been there, not for fitting either; None if
            nothing was fitted to the labels of these responses.
    """

    scores: Floats
    pairs: Pairs
    without: Sequence[Pairs] | None = None


@dataclass(frozen=True)
class ResponseEvaluator:
    """Measures readers of the same responses; all see the same resamples, groups and shufflings.

    Attributes:
        responses: with their labels.
        folds: groups of whole prompts that are left out in turn; None leaves out one prompt at a time.
        bootstrap: resamples of the prompts.
        permutations: shufflings of the labels inside prompts.
        seed: of all of them.
        confidence: of intervals and null bands.
    """

    responses: Labelled
    folds: int | None
    bootstrap: int
    permutations: int
    seed: int
    confidence: float

    @cached_property
    def fold(self) -> NDArray[np.int64]:
        """The fold of each response: int64 [responses]."""
        return folds_of(self.responses.prompt, self.folds, self.seed)

    @cached_property
    def group(self) -> NDArray[np.int64]:
        """The group of each response that the jackknife leaves out: the folds, but at most 20."""
        if self.fold.max(initial=-1) < _MOST_GROUPS:
            return self.fold
        return folds_of(self.responses.prompt, _MOST_GROUPS, self.seed)

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

    def scored(self, scores: Floats, fitted: Fitted | None = None) -> Scored:
        """The scores [responses], and what they would be without each group, if they come from a fit."""
        if fitted is None:
            return Scored(scores, self._pairs(scores))
        without = held_out_without(fitted, self.group)
        return Scored(scores, self._pairs(scores), [self._pairs(row) for row in without])

    def areas(self, scored: Scored) -> dict[str, Any]:
        """`{"within_prompt": {"auroc", "interval", "n_prompts"}, "pooled": {"auroc", "interval"}}`.

        Within prompts AUROC is the mean over the prompts with both classes. Where it is undefined, it is None
        with a "reason". Intervals are over prompts: a bootstrap for a reader that was fitted to none of these
        labels. For one that was, prompts stand in each other's fits, and resampling them under scores that
        stay would make intervals too narrow; there, a jackknife that fits again.
        """
        found: dict[str, Any] = {}
        for kind, value in _KINDS.items():
            auroc = _number(value(scored.pairs))
            entry: dict[str, Any] = {"auroc": auroc}
            if scored.without is None:
                draws = value(scored.pairs, self.drawn)
                entry["interval"] = percentile_interval(draws, self.confidence, self.drawn.shape[1]).as_dict()
            else:
                entry["interval"] = self._jackknife(auroc, self._without(scored, value), 0.0)
            found[kind] = entry | ({"reason": _LACKS[kind]} if auroc is None else {})
        found["within_prompt"]["n_prompts"] = scored.pairs.mixed
        return found

    def gain(self, scored: Scored, baseline: Scored) -> dict[str, Any]:
        """How far AUROC is above the baseline's: per kind `{"difference", "interval"}`, by the jackknife."""
        found = {}
        for kind, value in _KINDS.items():
            difference = _number(value(scored.pairs) - value(baseline.pairs))
            without = self._without(scored, value) - self._without(baseline, value)
            found[kind] = {"difference": difference, "interval": self._jackknife(difference, without, -1.0)}
        return found

    def null(self, scores: Floats) -> dict[str, Any]:
        """Within-prompt AUROC beside those under labels that were shuffled inside prompts.

        Args:
            scores: float64 [1 + permutations, responses] of a reader that was fitted to each of `labellings`;
                or [responses] of one that was fitted to none of them, so that its scores stay.

        Returns:
            `{"mean", "low", "high", "beyond", "p_value", "permutations", "confidence"}`: the p-value is
            one-sided, (1 + shufflings that reach the observed value) / (1 + shufflings) (Phipson and Smyth
            2010); beyond means above `high`. None with a "reason" where AUROC is undefined.
        """
        values = within_areas(scores, self.labellings, self.responses.prompt)
        told = {"permutations": self.permutations, "confidence": self.confidence}
        if np.isnan(values[0]):
            nothing = dict.fromkeys(("mean", "low", "high", "beyond", "p_value"))
            return nothing | told | {"reason": _LACKS["within_prompt"]}
        observed, chance = values[0], values[1:]
        low, high = np.quantile(chance, [(1 - self.confidence) / 2, (1 + self.confidence) / 2])
        # Sums of the same numbers in another order differ in their last digits.
        return {
            "mean": float(chance.mean()),
            "low": float(low),
            "high": float(high),
            "beyond": bool(observed > high + 1e-9),
            "p_value": (1 + int(np.sum(chance >= observed - 1e-9))) / (1 + len(chance)),
        } | told

    def _pairs(self, scores: Floats) -> Pairs:
        return count_pairs(scores, self.responses.misaligned, self.responses.prompt)

    def _without(self, scored: Scored, value: Callable[..., Floats]) -> Floats:
        """AUROC as if each group had never been there: float64 [groups]."""
        groups = int(self.group.max(initial=-1)) + 1
        of_prompt = np.zeros(len(self.responses.prompts), dtype=np.int64)
        of_prompt[self.responses.prompt] = self.group
        every = scored.without or [scored.pairs] * groups
        return np.array([value(pairs, of_prompt != number) for number, pairs in enumerate(every)])

    def _jackknife(self, value: float | None, without: Floats, least: float) -> dict[str, Any]:
        return jackknife_interval(value, without, self.confidence, bounds=(least, 1.0)).as_dict()


def _number(value: Floats) -> float | None:
    return None if np.isnan(value) else float(value)
