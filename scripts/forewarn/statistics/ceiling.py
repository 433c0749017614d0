"""The most that any reading of the prompt can reach, since propensity is graded.

At the last prompt token the model's state is a function of the prompt, so the best possible score is the
prompt's own misalignment rate. That rate is estimated from some of the prompt's responses and tested on
the others. The responses of a prompt are exchangeable, so a random half of them is a hypergeometric draw
from the two counts, and no response needs to be looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from forewarn.statistics.auroc import Groups, Roc, area, auroc, roc
from forewarn.statistics.labels import Counts, Labels


@dataclass(frozen=True)
class Ceiling:
    """Oracle AUROC.

    Attributes:
        value: mean over random halvings of each prompt's responses; None if undefined. Half of the
            responses estimate a rate with noise, so this lies somewhat below the true ceiling.
        in_sample: the rate scored against the very responses it was counted on: somewhat above it.
        halvings: how many were drawn.
        prompts: how many prompts have the two responses that a halving needs.
        reason: why `value` is None; None if it is not.
    """

    value: float | None
    in_sample: float | None
    halvings: int
    prompts: int
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON form, `reason` only where there is one."""
        content = {
            "auroc": self.value,
            "in_sample": self.in_sample,
            "halvings": self.halvings,
            "prompts": self.prompts,
        }
        return content | ({"reason": self.reason} if self.reason else {})


def oracle_roc(labels: Labels, halvings: int, seed: int) -> Roc | None:
    """ROC of the same oracle: rates from one half of the responses against the labels of the other half.

    The halvings are pooled, which gives the mean curve where all prompts have equally many responses.

    Returns:
        None if no prompt has two responses, or the halves hold one class only.
    """
    labels = labels[labels.responses >= 2]
    if not len(labels):
        return None
    half, seen = _halves(labels, halvings, seed)
    unseen = labels.misaligned - seen
    pooled = Labels.of(unseen.ravel(), np.broadcast_to(labels.responses - half, seen.shape).ravel())
    return roc((seen / half).ravel(), pooled)


def oracle_ceiling(labels: Labels, halvings: int, seed: int, groups: Groups | None = None) -> Ceiling:
    """AUROC of the prompts' misalignment rates, estimated on one half of the responses, on the other half.

    Args:
        labels: counts per prompt.
        halvings: how many random halvings to average over.
        seed: of the halvings.
        groups: [prompts] or None, as in `auroc`.
    """
    enough = labels.responses >= 2
    labels = labels[enough]
    groups = None if groups is None else groups[enough]
    prompts = len(labels)
    in_sample = auroc(labels.misaligned / np.maximum(labels.responses, 1), labels, groups).value
    if prompts == 0:
        return Ceiling(None, in_sample, halvings, 0, "no prompt has two scored responses")
    half, seen = _halves(labels, halvings, seed)
    unseen = labels.misaligned - seen
    values = area(seen / half, unseen, labels.responses - half - unseen, groups)
    if np.isnan(values).all():
        reason = labels.one_class() or "no halving left responses of both classes to compare"
        return Ceiling(None, in_sample, halvings, prompts, reason)
    return Ceiling(float(np.nanmean(values)), in_sample, halvings, prompts)


def _halves(labels: Labels, halvings: int, seed: int) -> tuple[Counts, Counts]:
    """Size of each prompt's first half, and its misaligned responses in each halving [halvings, prompts]."""
    half = labels.responses // 2
    generator = np.random.default_rng(seed)
    size = (halvings, len(labels))
    return half, generator.hypergeometric(labels.misaligned, labels.others, half, size=size)
