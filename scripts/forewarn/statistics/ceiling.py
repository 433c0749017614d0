"""The most that any reading of the prompt can reach, since propensity is graded.

At the last prompt token the model's state is a function of the prompt, so the best possible score is the
prompt's own misalignment rate. That rate is known from samples only. Scored against the very responses it was
counted on, it seems to reach more than the truth; known from a prompt's other responses, it reaches less, the
less the fewer there are: for 10 responses and an intraclass correlation of 0.1, 0.65 where the truth is 0.72.
A model of the propensities takes that noise out, and finds 0.71.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.statistics.auroc import Floats, Groups, Roc, concordance, members_of, roc
from forewarn.statistics.labels import Labels
from forewarn.statistics.overdispersion import intraclass_correlation
from forewarn.statistics.planted import Population


def from_other_responses(
    misaligned: NDArray[Any],
    responses: NDArray[Any],
    drawn: NDArray[Any] | None = None,
    groups: Groups | None = None,
) -> Floats:
    """AUROC when every response is scored by the rate of its prompt's other responses.

    Taking a misaligned response out of its prompt's rate lowers that, so that inside a prompt this oracle
    would always be wrong. There it counts as what it is: without knowledge, one half.

    Args:
        misaligned: counts [..., prompts].
        responses: counts [..., prompts]; prompts with fewer than two are left out.
        drawn: how often each prompt is in each resample, [resamples, prompts]; None for each once.
        groups: [prompts]; if given, only pairs inside one group are compared.

    Returns:
        float64 [...], NaN where there is no pair. It lies below the truth, the more the fewer responses.
    """
    k, n = np.broadcast_arrays(np.asarray(misaligned), np.asarray(responses))
    weights = np.asarray(n >= 2, dtype=np.float64) * (1 if drawn is None else drawn)
    scores, positives, negatives = _doubled(k, n, weights)
    concordant, pairs = np.zeros(()), np.zeros(())
    for members in members_of(k.shape[-1], groups):
        chosen = np.arange(k.shape[-1])[members]
        twice = np.concatenate([chosen, chosen + k.shape[-1]])
        good, every = concordance(scores[..., twice], positives[..., twice], negatives[..., twice])
        mine = weights[..., chosen]
        own = mine**2 * k[..., chosen] * (n - k)[..., chosen]
        concordant, pairs = concordant + good + own.sum(axis=-1) / 2, pairs + every
    concordant, pairs = np.broadcast_arrays(concordant, pairs)
    found: Floats = np.divide(concordant, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)
    return found


def oracle_roc(labels: Labels) -> Roc | None:
    """ROC of the same oracle, with the pairs inside a prompt as they come: always wrong, and very few.

    Returns:
        None if the prompts with two responses or more hold one class only.
    """
    k, n = labels.misaligned, labels.responses
    scores, positives, negatives = _doubled(k, n, np.asarray(n >= 2, dtype=np.float64))
    return roc(scores, Labels.of(positives.astype(np.int64), (positives + negatives).astype(np.int64)))


def modelled_ceiling(labels: Labels) -> float | None:
    """AUROC of an oracle that knows every propensity, if propensities are beta distributed.

    Prevalence and intraclass correlation are taken from the labels. What matters is the mean distance of two
    propensities, so that another distribution of the same variance changes little.

    Returns:
        None where labels are of one class, or no prompt has two responses. One half where prompts differ no
        more than chance makes them.
    """
    spread = float(intraclass_correlation(labels.misaligned, labels.responses))
    if np.isnan(spread):
        return None
    if spread <= 0:
        return 0.5
    if spread >= 1:
        return 1.0
    return Population(labels.misaligned.sum() / labels.responses.sum(), spread).ceiling


def _doubled(k: NDArray[Any], n: NDArray[Any], weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Scores, positives and negatives [..., 2 prompts]: first the misaligned responses, then the others."""
    others = np.maximum(n - 1, 1)
    positives, negatives = weights * k, weights * (n - k)
    nothing = np.zeros(weights.shape)
    return (
        np.concatenate([(k - 1) / others, k / others], axis=-1),
        np.concatenate([positives, nothing], axis=-1),
        np.concatenate([nothing, negatives], axis=-1),
    )
