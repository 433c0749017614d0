"""A direction in the features of an autoencoder: cosines, and how few features make it up.

The null is that of directions that mean nothing, isotropic and with the covariance of the model's
activations. A dictionary of more features than dimensions makes up any direction from some dozens of them, so
that only the comparison tells whether a direction is sparse. What is compared was fixed before looking: the
share of the squared norm that orthogonal matching pursuit explains with a given number of features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.statistics.holm import holm

Floats = NDArray[np.float64]

LEVELS = (0.5, 0.9)
"""Shares of the squared norm for which the number of features is told."""


def pursue(directions: NDArray[Any], dictionary: NDArray[Any], most: int) -> tuple[NDArray[np.int64], Floats]:
    """Orthogonal matching pursuit of each direction.

    Args:
        directions: float [n, d], not zero.
        dictionary: float [features, d], rows of norm 1 or zero.
        most: features at most.

    Returns:
        The features in the order in which they are taken, int64 [n, most] (-1: nothing was left to explain),
        and the share of the squared norm that is explained with as many, float64 [n, most].
    """
    rest = np.asarray(directions, dtype=np.float64)
    rest = rest / np.linalg.norm(rest, axis=1, keepdims=True)
    count, width = rest.shape
    most = min(most, width, len(dictionary))
    basis = np.zeros((count, most, width))
    taken = np.full((count, most), -1, dtype=np.int64)
    explained = np.ones((count, most))
    for step in range(most):
        cosines = np.abs(rest @ dictionary.T)
        best = cosines.argmax(axis=1)
        # What is already taken is orthogonal to the rest, so a tiny cosine means that nothing is left.
        going = cosines[np.arange(count), best] > 1e-9
        atom = dictionary[best].astype(np.float64)
        for _ in range(2):  # twice, as once loses digits
            atom -= np.einsum("nk,nkd->nd", np.einsum("nkd,nd->nk", basis[:, :step], atom), basis[:, :step])
        norm = np.linalg.norm(atom, axis=1)
        going &= norm > 1e-7
        atom[going] /= norm[going, None]
        atom[~going] = 0
        basis[:, step] = atom
        taken[going, step] = best[going]
        rest = rest - (rest * atom).sum(axis=1, keepdims=True) * atom
        explained[:, step] = 1 - (rest**2).sum(axis=1)
    return taken, explained


def features_needed(explained: Floats, level: float) -> NDArray[np.float64]:
    """The least number of features that explain a share: float64 [n], NaN where none taken suffices."""
    reached = explained >= level - 1e-12
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.nan)


def decompose(
    direction: NDArray[Any],
    dictionary: NDArray[Any],
    randoms: Mapping[str, NDArray[Any]],
    *,
    few: int,
    most: int,
    confidence: float,
) -> dict[str, Any]:
    """How sparse a direction is, and which features it points along, against random directions.

    Args:
        direction: float [d], not zero.
        dictionary: float [features, d], rows of norm 1 or zero.
        randoms: kind -> float [count, d].
        few: features whose explained share is tested.
        most: features that the pursuit takes at most.
        confidence: of the bands.

    Returns:
        `features` of the pursuit (in their order), `explained` (share with 1, 2, ... of them), `needed`
        (level -> number, None beyond `most`), `few`, `explained_by_few`, `null` (per kind `count`,
        `explained` (per number `low`, `mean`, `high`), `needed` (level -> median, and how many did `reach`
        it), `p_sparse` (share of random directions of which as much is explained, one added to each count)
        and `largest_cosine` (the `critical` largest |cosine| with any feature, which pays for the choice of
        the feature)), and `sparse`: p_sparse lies below 1 - confidence against every kind; None without
        random directions.
    """
    taken, explained = pursue(direction[None], dictionary, most)
    few = min(few, explained.shape[1])
    null = {
        kind: _null(rows, dictionary, explained[0], few, confidence)
        for kind, rows in randoms.items()
        if len(rows)
    }
    return {
        "features": [int(feature) for feature in taken[0] if feature >= 0],
        "explained": explained[0].tolist(),
        "needed": {f"{level:g}": _whole(features_needed(explained, level)[0]) for level in LEVELS},
        "few": few,
        "explained_by_few": float(explained[0, few - 1]),
        "null": null,
        "sparse": all(each["p_sparse"] < 1 - confidence for each in null.values()) if null else None,
    }


def pay_for_constructions(constructions: Mapping[str, dict[str, Any]], confidence: float) -> None:
    """Correct whether directions are sparse for the number of constructions (Holm), in place."""
    told = [each["decomposition"] for each in constructions.values() if "decomposition" in each]
    # Sparse against every kind of random direction: the largest p-value is that of the joint claim.
    p_values = [max((null["p_sparse"] for null in each["null"].values()), default=None) for each in told]
    for each, adjusted in zip(told, holm(p_values), strict=True):
        each["p_adjusted"] = adjusted
        each["sparse"] = None if adjusted is None else adjusted < 1 - confidence


def cosine_p_values(
    cosines: Floats, dictionary: NDArray[Any], randoms: Mapping[str, NDArray[Any]]
) -> tuple[Floats, Floats]:
    """How often a random direction has as large a |cosine| with any feature: the larger share over kinds.

    Comparing with the largest over features pays for the choice among them (max-T, Westfall and Young 1993).

    Args:
        cosines: float64 [features], of the direction.
        dictionary: float [features, d], rows of norm 1 or zero.
        randoms: kind -> float [count, d].

    Returns:
        Two float64 [features]: as if each feature were the only one, and with the choice paid for; NaN
        without random directions.
    """
    single, paid = [], []
    for rows in randoms.values():
        if len(rows):
            drawn = np.abs(_unit(rows) @ dictionary.T)
            single.append((1 + (drawn >= np.abs(cosines)).sum(axis=0)) / (1 + len(drawn)))
            largest = drawn.max(axis=1)
            paid.append((1 + (largest[:, None] >= np.abs(cosines)).sum(axis=0)) / (1 + len(drawn)))
    if not single:
        return np.full(len(cosines), np.nan), np.full(len(cosines), np.nan)
    return np.max(single, axis=0), np.max(paid, axis=0)


def _null(
    rows: NDArray[Any], dictionary: NDArray[Any], mine: Floats, few: int, confidence: float
) -> dict[str, Any]:
    _, explained = pursue(rows, dictionary, len(mine))
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(explained, ends, axis=0)
    needed = {level: features_needed(explained, level) for level in LEVELS}
    largest = np.abs(_unit(rows) @ dictionary.T).max(axis=1)
    return {
        "count": len(rows),
        "explained": {"low": low.tolist(), "mean": explained.mean(axis=0).tolist(), "high": high.tolist()},
        "needed": {
            f"{level:g}": {
                "reach": int((~np.isnan(found)).sum()),
                # One that did not reach the level needs more than any that did.
                "median": _whole(float(np.median(np.where(np.isnan(found), np.inf, found)))),
            }
            for level, found in needed.items()
        },
        "p_sparse": float((1 + (explained[:, few - 1] >= mine[few - 1]).sum()) / (1 + len(rows))),
        "largest_cosine": {
            "mean": float(largest.mean()),
            "critical": float(np.quantile(largest, confidence)),
        },
    }


def _whole(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _unit(rows: NDArray[Any]) -> Floats:
    values = np.asarray(rows, dtype=np.float64)
    scaled: Floats = values / np.linalg.norm(values, axis=1, keepdims=True)
    return scaled
