"""A linear probe: what can be read off the residual stream when labels may be used to find the direction.

It is the usual upper bar of a linear reading, and the usual victim of its own training prompts: so it is
fitted on the prompts of the split "fit", its penalty and layer are chosen on those of "validation", and the
test prompts come from other categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from forewarn.statistics.auroc import auroc
from forewarn.statistics.labels import Labels

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Probe:
    """A fitted probe of one layer.

    Attributes:
        weights: float64 [d_model], in the units of the activations.
        strength: the inverse penalty that validation prompts chose.
        validation_auroc: of that strength; None if the validation prompts have one class only.
    """

    weights: Floats
    strength: float
    validation_auroc: float | None


def logistic_weights(features: Floats, labels: Labels, strength: float) -> Floats | None:
    """Weights of a logistic regression with an L2 penalty, on standardised features.

    Every prompt enters once as misaligned and once as not, weighted by its counts; the weights are scaled
    to one per prompt on average, so that a strength means the same whatever the number of samples. Where
    there are more features than prompts, the regression runs in the space that the prompts span, which
    gives the same weights.

    Args:
        features: float64 [prompts, features].
        labels: counts of the prompts.
        strength: inverse penalty (`C` of scikit-learn).

    Returns:
        float64 [features], in the units of the features; None if the prompts have one class only.
    """
    if labels.one_class():
        return None
    scale = features.std(axis=0)
    scale[scale == 0] = 1.0
    standardised = (features - features.mean(axis=0)) / scale
    basis = None
    if standardised.shape[1] > len(standardised):
        left, values, right = np.linalg.svd(standardised, full_matrices=False)
        standardised, basis = left * values, right
    rows = np.tile(np.arange(len(labels)), 2)
    classes = np.repeat([1, 0], len(labels))
    counts = np.concatenate([labels.misaligned, labels.others]).astype(np.float64)
    used = counts > 0
    model = LogisticRegression(C=strength, max_iter=2000)
    weights = counts[used] / counts.sum() * len(labels)
    model.fit(standardised[rows[used]], classes[used], sample_weight=weights)
    found = model.coef_[0] if basis is None else model.coef_[0] @ basis
    in_units: Floats = found / scale
    return in_units


def fit_probe(
    vectors: Floats,
    labels: Labels,
    fit: NDArray[np.bool_],
    validation: NDArray[np.bool_],
    strengths: Sequence[float],
) -> Probe | None:
    """Fit one probe per strength, and keep the one with the highest validation AUROC (the first of equals).

    Args:
        vectors: float64 [prompts, d_model].
        labels: counts of the prompts.
        fit: bool [prompts], those to fit on.
        validation: bool [prompts], those to choose on.
        strengths: inverse penalties.

    Returns:
        None if the fitting prompts have one class only.
    """
    best: Probe | None = None
    for strength in strengths:
        weights = logistic_weights(vectors[fit], labels[fit], strength)
        if weights is None:
            return None
        reached = auroc(vectors[validation] @ weights, labels[validation]).value
        if best is None or (reached or 0.0) > (best.validation_auroc or 0.0):
            best = Probe(weights, strength, reached)
    return best
