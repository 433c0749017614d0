"""Logistic regressions with an L2 penalty, of many labellings of the same rows at once.

To know what a probe reaches by chance it has to be fitted again to every shuffling of the labels: the scores
of a prompt come from a probe that was fitted on the others, and the other way round, so that shuffling labels
under scores that stay would make chance look narrower than it is. Hundreds of fits are affordable since
the curvature of the loss is bounded for all labellings by one matrix (Boehning and Lindsay 1988,
doi:10.1007/BF00049423), which is factorised once; steps by that bound are accelerated as by Nesterov, with
restarts (O'Donoghue and Candes 2015, arXiv 1204.3982).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, qr
from scipy.special import expit

Floats = NDArray[np.float64]

_TOLERANCE = 1e-5
_STEPS = 1000


@dataclass(frozen=True)
class Standardised:
    """Rows to fit on, in standard deviations from their mean; rows to score by the same measure.

    Attributes:
        rows: float64 [rows, features], columns of mean 0 and variance 1 (0 where they do not vary).
        others: float64 [others, features].
    """

    rows: Floats
    others: Floats


def standardise(rows: NDArray[Any], others: NDArray[Any]) -> Standardised:
    """Standardise by the rows to fit on alone.

    Where there are more features than rows, both are told in coordinates of the space that the rows span;
    a penalised fit does not leave it, so its scores are the same.

    Args:
        rows: float [rows, features], to fit on.
        others: float [others, features], to score.
    """
    rows, others = np.asarray(rows, dtype=np.float64), np.asarray(others, dtype=np.float64)
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale <= 1e-9 * np.abs(mean)] = np.inf  # what is constant up to rounding tells nothing
    scale[scale == 0] = np.inf
    rows, others = (rows - mean) / scale, (others - mean) / scale
    if rows.shape[1] > rows.shape[0]:
        basis, coordinates = qr(rows.T, mode="economic")
        return Standardised(coordinates.T, others @ basis)
    return Standardised(rows, others)


def logistic_scores(data: Standardised, labels: NDArray[np.bool_], strength: float) -> Floats:
    """Fit to every labelling, and score the other rows, without the intercept.

    The intercept is the log-odds among the rows that were fitted on. Between folds it differs by what the
    left-out prompts are themselves, the other way round: a prompt that misaligns often leaves fewer
    misaligned rows behind. So scores of several folds are comparable without it only.

    Args:
        data: the rows.
        labels: bool [labellings, rows]; a labelling of one class only gives scores of 0.
        strength: inverse penalty (`C` of scikit-learn).

    Returns:
        float64 [labellings, others].
    """
    scores = np.zeros((len(labels), len(data.others)))
    share = labels.mean(axis=1)
    fitted = (share > 0) & (share < 1)
    if fitted.any():
        weights = _fit(data.rows, labels[fitted].T.astype(np.float64), strength)
        scores[fitted] = (data.others @ weights).T
    return scores


def _fit(rows: Floats, labels: Floats, strength: float) -> Floats:
    """Weights float64 [features, labellings] of labels float64 [rows, labellings].

    The columns of `rows` have mean 0, so that weights and intercept do not meet in the bound.
    """
    n, features = rows.shape
    bound = cho_factor(strength / 4 * rows.T @ rows + np.eye(features))
    share = labels.mean(axis=0)
    found = np.concatenate([np.zeros((features, len(share))), np.log(share / (1 - share))[None]])
    last, ahead, momentum = found.copy(), found.copy(), np.ones(len(share))
    moving = np.arange(len(share))
    for _ in range(_STEPS):
        here = ahead[:, moving]
        residuals = expit(rows @ here[:-1] + here[-1]) - labels[:, moving]
        slope = np.concatenate(
            [strength * rows.T @ residuals + here[:-1], strength * residuals.sum(axis=0)[None]]
        )
        step = np.concatenate([cho_solve(bound, slope[:-1]), slope[-1:] * 4 / (strength * n)])
        new, old = here - step, last[:, moving]
        wrong_way = (slope * (new - old)).sum(axis=0) > 0
        before = np.where(wrong_way, 1.0, momentum[moving])
        after = (1 + np.sqrt(1 + 4 * before**2)) / 2
        ahead[:, moving] = new + (before - 1) / after * (new - old)
        last[:, moving], momentum[moving] = new, after
        still = np.abs(step).max(axis=0) > _TOLERANCE * np.abs(new).max(axis=0)
        moving = moving[still]
        if not len(moving):
            break
    return last[:-1]
