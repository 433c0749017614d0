"""How much more alike the responses to one prompt are than responses to different prompts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.statistics.auroc import Floats


def intraclass_correlation(misaligned: NDArray[Any], responses: NDArray[Any]) -> Floats:
    """Intraclass correlation of the labels of one prompt's responses, by Fleiss and Cuzick (1979).

    The estimator compares the variance inside prompts with the variance of all responses. 0 means that
    prompts do not differ (chance may bring it below), 1 that each is always answered in the same way.

    Args:
        misaligned: counts [..., prompts].
        responses: counts [..., prompts]; prompts without any are left out.

    Returns:
        float64 [...], NaN where there is one class only, or no prompt has two responses.
    """
    k, n = np.asarray(misaligned, dtype=np.float64), np.asarray(responses, dtype=np.float64)
    inside = np.divide(k * (n - k), n, out=np.zeros(np.broadcast_shapes(k.shape, n.shape)), where=n > 0)
    total, answered = n.sum(axis=-1), (n > 0).sum(axis=-1)
    share = np.divide(k.sum(axis=-1), total, out=np.zeros(inside.shape[:-1]), where=total > 0)
    expected = (total - answered) * share * (1 - share)
    found: Floats = 1 - np.divide(
        inside.sum(axis=-1), expected, out=np.full(inside.shape[:-1], np.nan), where=expected > 0
    )
    return found


def design_effect(samples: float, spread: float) -> float:
    """Variance of a rate over that of as many independent responses: 1 + (samples - 1) spread (Kish 1965).

    Args:
        samples: responses per prompt.
        spread: their intraclass correlation.
    """
    return 1 + (samples - 1) * spread
