"""The ceiling once more, without halving: what an oracle can reach that knows each prompt's rate.

`ceiling.oracle_ceiling` knows a prompt's rate from half of its responses, which leaves much noise in it: for
10 responses and an intraclass correlation of 0.1, it finds 0.62 where the truth is 0.72. The first of the two
here knows it from all others, and finds 0.65. The second takes the noise out by a model, and finds 0.71.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.statistics.auroc import Floats, concordance
from forewarn.statistics.labels import Labels
from forewarn.statistics.overdispersion import intraclass_correlation
from forewarn.statistics.planted import Population


def from_other_responses(
    misaligned: NDArray[Any], responses: NDArray[Any], drawn: NDArray[Any] | None = None
) -> Floats:
    """AUROC when every response is scored by the rate of its prompt's other responses.

    Taking a misaligned response out of its prompt's rate lowers that, so that inside a prompt this oracle
    would always be wrong. There it counts as what it is: without knowledge, one half.

    Args:
        misaligned: counts [..., prompts].
        responses: counts [..., prompts]; prompts with fewer than two are left out.
        drawn: how often each prompt is in each resample, [resamples, prompts]; None for each once.

    Returns:
        float64 [...], NaN where there is no pair. It lies below the truth, the more the fewer responses.
    """
    k, n = np.broadcast_arrays(np.asarray(misaligned), np.asarray(responses))
    weights = np.asarray(n >= 2, dtype=np.float64) * (1 if drawn is None else drawn)
    others = np.maximum(n - 1, 1)
    # A prompt stands twice: with its misaligned responses, and with the others, at their scores.
    scores = np.concatenate([(k - 1) / others, k / others], axis=-1)
    positives, negatives = weights * k, weights * (n - k)
    nothing = np.zeros(weights.shape)
    concordant, pairs = concordance(
        scores,
        np.concatenate([positives, nothing], axis=-1),
        np.concatenate([nothing, negatives], axis=-1),
    )
    concordant = concordant + (positives * negatives).sum(axis=-1) / 2
    found: Floats = np.divide(concordant, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)
    return found


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
