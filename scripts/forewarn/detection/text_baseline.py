"""What the words of the prompt tell by themselves, without any model's activations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from forewarn.statistics.auroc import Floats
from forewarn.statistics.labels import Labels


def text_scores(texts: NDArray[Any], labels: Labels, new_texts: NDArray[Any]) -> Floats | None:
    """Log-odds of misalignment from TF-IDF of words and word pairs, by logistic regression.

    Each fitting prompt enters once as misaligned and once as not, weighted by its counts.

    Args:
        texts: str [prompts] to fit on (validation prompts).
        labels: their counts.
        new_texts: str [others] to score (test prompts).

    Returns:
        float64 [others], or None if the fitting prompts have one class only or no words.
    """
    if labels.one_class():
        return None
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True)
    try:
        features = vectorizer.fit_transform(texts)
    except ValueError:  # scikit-learn's way to say that the vocabulary is empty
        return None
    rows = np.tile(np.arange(len(texts)), 2)
    classes = np.repeat([1, 0], len(texts))
    weights = np.concatenate([labels.misaligned, labels.others]).astype(np.float64)
    used = weights > 0
    model = LogisticRegression(max_iter=1000)
    model.fit(features[rows[used]], classes[used], sample_weight=weights[used])
    scores: Floats = model.decision_function(vectorizer.transform(new_texts)).astype(np.float64)
    return scores
