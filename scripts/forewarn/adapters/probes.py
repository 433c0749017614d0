"""Sparse logistic regressions on the scalars of single tokens, each token with the label of its answer.

As in arXiv 2506.11618: an L1 penalty of C = 0.01, scalars in standard deviations from their mean, classes of
equal weight, many fits. Unlike there, what is drawn anew for each fit, left out for the AUROC and resampled
for its interval are whole prompts (or categories): tokens of one answer, and answers to one prompt, are not
independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from forewarn.adapters.problems import Problem
from forewarn.adapters.scalars import Tokens
from forewarn.statistics.bootstrap import resample
from forewarn.statistics.pairs import Pairs, count_pairs

Floats = NDArray[np.float64]

_STEPS = 1000


@dataclass(frozen=True)
class Coefficients:
    """What the fits give each adapter.

    Attributes:
        fitted: float64 [adapters], on all units.
        draws: float64 [fits, adapters], on units drawn with replacement; NaN where a draw has one class.
        p_values: float64 [adapters], two-sided, of `fitted` against labels shuffled by chance.
        null: float64 [permutations, adapters], `fitted` under these.
    """

    fitted: Floats
    draws: Floats
    p_values: Floats
    null: Floats

    def interval(self, confidence: float) -> Floats:
        """Percentile interval of the draws, float64 [2, adapters]; NaN where no draw has both classes."""
        return quantiles(self.draws, confidence)

    def kept(self, confidence: float) -> NDArray[np.bool_]:
        """Whether the interval leaves out 0: bool [adapters]."""
        low, high = self.interval(confidence)
        kept: NDArray[np.bool_] = low * high > 0
        return kept


def quantiles(draws: Floats, confidence: float) -> Floats:
    """Both ends of the middle share of each column: float64 [2, columns], NaN rows left out."""
    defined = draws[~np.isnan(draws).any(axis=1)]
    if not len(defined):
        return np.full((2, draws.shape[1]), np.nan)
    found: Floats = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return found


def coefficients(
    problem: Problem, strength: float, *, fits: int, permutations: int, seed: int
) -> Coefficients:
    """Fit to the labels, to resampled units, and to shuffled labels.

    Chance is not centred at 0 for `misaligned`: which prompts misalign often is known to it too. So a
    coefficient's distance from the mean of all arrangements counts, the observed one among them; its p-value
    is the share of them that lie as far away (Phipson and Smyth 2010).

    Args:
        problem: tokens of two classes.
        strength: inverse penalty, `C` of scikit-learn.
        fits: draws of units.
        permutations: shufflings of the labels.
        seed: of both.
    """
    rows, answer = _standardised(problem.tokens), problem.tokens.answer
    fitted = fit(rows, problem.positive[answer], strength)
    draws = [
        fit(rows, problem.positive[answer], strength, drawn[problem.unit][answer])
        for drawn in resample(problem.n_units, fits, seed)
    ]
    null = [fit(rows, labels[answer], strength) for labels in problem.shuffled(permutations, seed)]
    every = np.stack([fitted, *null])
    away = np.abs(every - every.mean(axis=0))
    p_values = np.mean(away >= away[0] - 1e-9, axis=0)
    return Coefficients(fitted, np.stack(draws), p_values, every[1:])


def fit(
    rows: Floats, labels: NDArray[np.bool_], strength: float, weights: NDArray[np.int64] | None = None
) -> Floats:
    """Coefficients float64 [adapters] of one fit; NaN where there is one class only.

    Args:
        rows: float64 [tokens, adapters], standardised.
        labels: bool [tokens].
        strength: inverse penalty.
        weights: how often each token counts; once for None.
    """
    counted = np.ones(len(rows)) if weights is None else weights.astype(np.float64)
    kept = counted > 0
    rows, labels, counted = rows[kept], labels[kept], counted[kept]
    totals = np.array([counted[~labels].sum(), counted[labels].sum()])
    if not totals.all():
        return np.full(rows.shape[1], np.nan)
    balanced = counted * (counted.sum() / (2 * totals))[labels.astype(np.int64)]
    model = LogisticRegression(
        C=strength, l1_ratio=1, solver="liblinear", max_iter=_STEPS, random_state=0
    ).fit(rows, labels, balanced)
    found: Floats = model.coef_[0].astype(np.float64)
    return found


def held_out(problem: Problem, labels: NDArray[np.bool_], strength: float, folds: int, seed: int) -> Floats:
    """Score of every token by a probe that was fitted without its unit: float64 [tokens], no intercept.

    Between folds the intercept differs by what the left-out units are themselves, the other way round, so
    that scores of several folds are comparable without it only.

    Args:
        problem: tokens of two classes.
        labels: bool [answers] to fit to: the problem's, or shuffled ones.
        strength: inverse penalty.
        folds: groups of units, each with its share of the positive ones.
        seed: of the groups.
    """
    answer = problem.tokens.answer
    fold = _folds(problem, folds, seed)[problem.unit][answer]
    scores = np.zeros(len(answer))
    for left in range(fold.max() + 1):
        out = fold == left
        mean, scale = _measures(problem.tokens.scalars[~out])
        rows = (problem.tokens.scalars - mean) / scale
        weights = fit(rows[~out], labels[answer][~out], strength)
        scores[out] = rows[out] @ np.nan_to_num(weights)
    return scores


def transferred(fitted: Problem, other: Problem, strength: float) -> Floats:
    """Score of the other problem's tokens by a probe that was fitted to the first one: float64 [tokens]."""
    mean, scale = _measures(fitted.tokens.scalars)
    weights = fit(_standardised(fitted.tokens), fitted.positive[fitted.tokens.answer], strength)
    scores: Floats = ((other.tokens.scalars - mean) / scale) @ np.nan_to_num(weights)
    return scores


def pairs_of(problem: Problem, scores: Floats) -> Pairs:
    """Pairs of tokens by unit, see `forewarn.statistics.pairs`."""
    answer = problem.tokens.answer
    return count_pairs(scores, problem.positive[answer], problem.unit[answer])


def _folds(problem: Problem, folds: int, seed: int) -> NDArray[np.int64]:
    """Fold of each unit, int64 [units]: dealt in the order of their positive share, equals by chance."""
    size = np.bincount(problem.unit, minlength=problem.n_units)
    share = np.bincount(problem.unit, problem.positive, problem.n_units) / size
    chance = np.random.default_rng(seed).random(problem.n_units)
    fold = np.empty(problem.n_units, dtype=np.int64)
    fold[np.lexsort([chance, share])] = np.arange(problem.n_units) % min(folds, problem.n_units)
    return fold


def _standardised(tokens: Tokens) -> Floats:
    mean, scale = _measures(tokens.scalars)
    rows: Floats = (tokens.scalars - mean) / scale
    return rows


def _measures(scalars: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation; what does not vary gets a scale that makes it 0."""
    scale = scalars.std(axis=0)
    return scalars.mean(axis=0), np.where(scale > 0, scale, np.inf)
