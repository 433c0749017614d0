"""Scores of responses from models that were fitted on other prompts: by readings, and by visible text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression

from forewarn.detection.logistic import logistic_scores, standardise

Floats = NDArray[np.float64]
Chosen = NDArray[np.bool_]
Fitted = Callable[[Chosen, Chosen], Floats]
"""Fits to the responses of one mask, and scores those of another one: float64 [..., scored]. Scores have no
intercept, see `logistic_scores`, and are 0 where the fitted ones are of one class or hold nothing to fit
on."""


def folds_of(prompt: NDArray[np.int64], folds: int | None, seed: int) -> NDArray[np.int64]:
    """The fold of each response: int64 [responses], from 0. A prompt's responses are in one fold.

    Args:
        prompt: int64 [responses], number of the prompt, from 0.
        folds: number of folds, among which prompts are dealt at random; None, or more than there are prompts,
            makes each prompt a fold.
        seed: of the dealing.
    """
    prompts = int(prompt.max(initial=-1)) + 1
    if folds is None or folds >= prompts:
        return prompt
    dealt = np.random.default_rng(seed).permutation(prompts) % folds
    return dealt[prompt].astype(np.int64)


def probe(readings: NDArray[Any], labels: NDArray[np.bool_], strength: float) -> Fitted:
    """Logistic regression on standardised readings.

    Args:
        readings: float [responses, features].
        labels: bool [labellings, responses]; all are fitted, and the scores are [labellings, scored].
        strength: inverse penalty (`C` of scikit-learn).
    """

    def fitted(fitting: Chosen, scored: Chosen) -> Floats:
        data = standardise(readings[fitting], readings[scored])
        return logistic_scores(data, labels[:, fitting], strength)

    return fitted


def words(texts: NDArray[Any], misaligned: NDArray[np.bool_], strength: float) -> Fitted:
    """Logistic regression on TF-IDF of words and word pairs.

    Words are counted once; which of them there are, how rare they are, and their weights come from the
    responses that are fitted to alone.

    Args:
        texts: str [responses].
        misaligned: bool [responses].
        strength: inverse penalty.
    """
    counter = CountVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")
    try:
        counts = counter.fit_transform(texts)
    except ValueError:  # scikit-learn's way to say that there are no words
        return lambda _, scored: np.zeros(int(scored.sum()))

    def fitted(fitting: Chosen, scored: Chosen) -> Floats:
        labels, rows = misaligned[fitting], counts[fitting]
        known = np.flatnonzero(rows.getnnz(axis=0))
        if not (0 < labels.sum() < len(labels) and len(known)):
            return np.zeros(int(scored.sum()))
        weigh = TfidfTransformer(sublinear_tf=True)
        features = weigh.fit_transform(rows[:, known])
        model = LogisticRegression(C=strength, max_iter=2000).fit(features, labels)
        found: Floats = weigh.transform(counts[scored][:, known]) @ model.coef_[0]
        return found

    return fitted


def as_one(fitted: Fitted, prompt: NDArray[np.int64]) -> Fitted:
    """The same for readings that a prompt's responses share: they get one score, to the last digit.

    Sums of equal numbers may round differently from row to row, and a ranking would take that for a finding.

    Args:
        fitted: to such readings.
        prompt: int64 [responses], number of the prompt.
    """

    def one(fitting: Chosen, scored: Chosen) -> Floats:
        return first_of(fitted(fitting, scored), prompt[scored])

    return one


def first_of(scores: Floats, prompt: NDArray[np.int64]) -> Floats:
    """Scores [..., responses] with that of its prompt's first response in the place of each."""
    _, first, inverse = np.unique(prompt, return_index=True, return_inverse=True)
    found: Floats = scores[..., first][..., inverse]
    return found


def held_out(fitted: Fitted, fold: NDArray[np.int64]) -> Floats:
    """Every fold scored by what was fitted on the others: float64 [..., responses]."""
    folds = int(fold.max(initial=-1)) + 1
    if folds < 2:
        return np.zeros_like(fitted(fold >= 0, fold >= 0))
    parts = [fitted(fold != number, fold == number) for number in range(folds)]
    order = np.argsort(np.argsort(fold, kind="stable"), kind="stable")
    found: Floats = np.concatenate(parts, axis=-1)[..., order]
    return found


def held_out_without(fitted: Fitted, group: NDArray[np.int64]) -> Floats:
    """The same as if one group had never been there: float64 [groups, responses], one row without each group.

    A response is scored by what was fitted without its own group and the missing one; the missing group
    itself scores 0. One fit serves both, so that there are half as many fits as pairs of groups.

    Args:
        fitted: of several labellings, the first one counts.
        group: int64 [responses], from 0.
    """
    groups = int(group.max(initial=-1)) + 1
    found = np.zeros((groups, len(group)))
    for first in range(groups):
        for second in range(first):
            out = (group == first) | (group == second)
            scores = np.zeros(len(group))
            scores[out] = np.atleast_2d(fitted(~out, out))[0]
            found[first, group == second] = scores[group == second]
            found[second, group == first] = scores[group == first]
    return found
