"""Scores of responses from models that were fitted on other prompts: by readings, and by visible text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression

from forewarn.detection.logistic import logistic_scores, standardise

Floats = NDArray[np.float64]


def folds_of(prompt: NDArray[np.int64], folds: int | None, seed: int) -> NDArray[np.int64]:
    """The fold of each response: int64 [responses]. A prompt's responses are in one fold.

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


def probe_scores(
    readings: NDArray[Any], labels: NDArray[np.bool_], fold: NDArray[np.int64], strength: float
) -> Floats:
    """Logistic regression on standardised readings, for many labellings of the responses at once.

    Args:
        readings: float [responses, features].
        labels: bool [labellings, responses].
        fold: int64 [responses]; a fold is scored by what was fitted on the others.
        strength: inverse penalty (`C` of scikit-learn).

    Returns:
        float64 [labellings, responses], without intercepts (see `logistic_scores`); 0 in a fold the others of
        which have one class only.
    """
    scores = np.zeros(labels.shape)
    for number in np.unique(fold):
        left_out = fold == number
        if left_out.all():
            continue
        data = standardise(readings[~left_out], readings[left_out])
        scores[:, left_out] = logistic_scores(data, labels[:, ~left_out], strength)
    return scores


def text_scores(
    texts: NDArray[Any], misaligned: NDArray[np.bool_], fold: NDArray[np.int64], strength: float
) -> Floats:
    """Logistic regression on TF-IDF of words and word pairs.

    Words are counted once; which of them there are, how rare they are, and their weights come from the fitting
    folds alone.

    Args:
        texts: str [responses].
        misaligned: bool [responses].
        fold: int64 [responses].
        strength: inverse penalty.

    Returns:
        float64 [responses], without intercepts; 0 in a fold the others of which have one class only or no words.
    """
    scores = np.zeros(len(texts))
    counter = CountVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")
    try:
        counts = counter.fit_transform(texts).tocsc()
    except ValueError:  # scikit-learn's way to say that there are no words
        return scores
    for number in np.unique(fold):
        left_out = fold == number
        labels = misaligned[~left_out]
        if not 0 < labels.sum() < len(labels):
            continue
        fitting = counts[~left_out]
        known = np.flatnonzero(fitting.getnnz(axis=0))
        if not len(known):
            continue
        weigh = TfidfTransformer(sublinear_tf=True)
        features = weigh.fit_transform(fitting[:, known])
        model = LogisticRegression(C=strength, max_iter=2000).fit(features, labels)
        scores[left_out] = weigh.transform(counts[left_out][:, known]) @ model.coef_[0]
    return scores
