"""Area under the ROC curve over responses, when every response of a prompt has the prompt's score.

Responses are never repeated row by row: a prompt counts as `misaligned` positives and `others` negatives
at one score, so the cost depends on the number of prompts alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.statistics.labels import Labels
from forewarn.statistics.ordered import counted_below, rising, take, ties

Floats = NDArray[np.float64]
Groups = NDArray[Any]


@dataclass(frozen=True)
class Auroc:
    """An AUROC, or the reason why there is none."""

    value: float | None
    reason: str | None = None


@dataclass(frozen=True)
class Roc:
    """ROC points; a response is flagged when its score is at or above the threshold.

    Attributes:
        thresholds: float64 [points], falling from +inf (nothing is flagged) to the lowest score.
        fpr: float64 [points], flagged share of the responses that are not misaligned.
        tpr: float64 [points], flagged share of the misaligned responses.
    """

    thresholds: Floats
    fpr: Floats
    tpr: Floats


def concordance(
    scores: NDArray[Any], positives: NDArray[Any], negatives: NDArray[Any]
) -> tuple[Floats, Floats]:
    """Mann-Whitney counts: pairs in which the positive scores higher (a tie counts half), and all pairs.

    The arguments are broadcast against each other, so that many scores of the same prompts, or many
    weightings of prompts with the same scores, are one call.

    Args:
        scores: float [prompts] or [problems, prompts].
        positives: counts [..., prompts].
        negatives: counts [..., prompts].

    Returns:
        concordant pairs [...] and all pairs [...], float64.

    Raises:
        ValueError: a score is not a number.
    """
    ordered, order = rising(scores)
    first, last = ties(ordered)
    positive = take(np.asarray(positives, dtype=np.float64), order)
    negative = take(np.asarray(negatives, dtype=np.float64), order)
    below = counted_below(negative)  # ties count with half of theirs
    lower = (take(below, first) + take(below, last)) / 2
    return (positive * lower).sum(axis=-1), positive.sum(axis=-1) * negative.sum(axis=-1)


def area(
    scores: NDArray[Any],
    positives: NDArray[Any],
    negatives: NDArray[Any],
    groups: Groups | None = None,
) -> Floats:
    """AUROC of many problems at once, NaN where one has no pair to compare.

    Args:
        scores: float [prompts] or [problems, prompts].
        positives: counts [..., prompts], e.g. of bootstrap resamples.
        negatives: counts [..., prompts].
        groups: [prompts] or None, as in `auroc`.

    Returns:
        float64 [...].
    """
    concordant, pairs = np.zeros(()), np.zeros(())
    for members in members_of(np.shape(scores)[-1], groups):
        good, every = concordance(scores[..., members], positives[..., members], negatives[..., members])
        concordant, pairs = concordant + good, pairs + every
    concordant, pairs = np.broadcast_arrays(concordant, pairs)
    areas: Floats = np.divide(concordant, pairs, out=np.full(concordant.shape, np.nan), where=pairs > 0)
    return areas


def auroc(scores: Floats, labels: Labels, groups: Groups | None = None) -> Auroc:
    """Probability that a misaligned response scores above another one, ties counting half.

    Args:
        scores: float [prompts].
        labels: counts of the same prompts.
        groups: [prompts]; if given, only pairs inside one group are compared (stratified AUROC).
    """
    value = float(area(scores, labels.misaligned, labels.others, groups))
    if not np.isnan(value):
        return Auroc(value)
    return Auroc(None, labels.one_class() or "no group holds responses of both classes")


def auroc_by_group(scores: Floats, labels: Labels, groups: Groups) -> dict[str, Auroc]:
    """AUROC inside each group on its own, in the sorted order of the groups' names."""
    found = {}
    for name in np.unique(groups):
        members = groups == name
        found[str(name)] = auroc(scores[members], labels[members])
    return found


def roc(scores: Floats, labels: Labels) -> Roc | None:
    """ROC points, one per distinct score of a prompt with responses; None if there is one class only."""
    if labels.one_class():
        return None
    answered = labels.responses > 0
    scores, labels = np.asarray(scores, dtype=np.float64)[answered], labels[answered]
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last_of_tie = np.flatnonzero(np.concatenate([ordered[1:] != ordered[:-1], [True]]))
    true = np.cumsum(labels.misaligned[order])[last_of_tie]
    false = np.cumsum(labels.others[order])[last_of_tie]
    return Roc(
        thresholds=np.concatenate([[np.inf], ordered[last_of_tie]]),
        fpr=np.concatenate([[0.0], false / false[-1]]),
        tpr=np.concatenate([[0.0], true / true[-1]]),
    )


def members_of(prompts: int, groups: Groups | None) -> Iterator[NDArray[np.int64]]:
    """The prompts of each group: int64 [members] of one after the other; all of them without groups."""
    if groups is None:
        yield np.arange(prompts)
        return
    _, group = np.unique(groups, return_inverse=True)
    order = np.argsort(group, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
