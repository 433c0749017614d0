"""The same estimates without some of the prompts: requests behind the one side, questions behind the other.

Refusal is estimated from requests and misalignment from questions. The two are independent samples, so the
variances of their delete-a-group jackknives (Kott 2001) add up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from forewarn.refusal.candidates import HARMFUL, HARMLESS, Floats, difference
from forewarn.statistics.jackknife import jackknife_interval


def fold_of(names: Sequence[str], folds: int, seed: int) -> NDArray[np.int64]:
    """The group of each prompt, int64 [prompts]; dealt in a seeded order of the ids without condition.

    Ids that differ in their condition alone are twins, and are left out together.
    """
    keys = [re.sub("harmful|harmless", "", name) for name in names]
    order = sorted(set(keys))
    np.random.default_rng(seed).shuffle(order)
    place = {key: number % folds for number, key in enumerate(order)}
    return np.array([place[key] for key in keys], dtype=np.int64)


def without_each(rows: dict[str, Floats], folds: dict[str, NDArray[np.int64]], count: int) -> Floats:
    """The candidates of one layer without each group of requests: float64 [groups, positions, d].

    Args:
        rows: activations of harmful and of harmless requests, each float64 [requests, positions, d].
        folds: the group of each.
        count: how many groups.
    """
    return np.stack([difference(rows, {name: folds[name] != fold for name in rows}) for fold in range(count)])


def halves(rows: dict[str, Floats], halvings: int, seed: int) -> tuple[Floats, Floats]:
    """The candidates of both halves of the requests, over random halvings.

    Returns:
        Two float64 [halvings, positions, d].
    """
    generator = np.random.default_rng(seed)
    first, second = [], []
    for _ in range(halvings):
        masks = {}
        for name in (HARMFUL, HARMLESS):
            order = generator.permutation(len(rows[name]))
            masks[name] = np.isin(np.arange(len(order)), order[: len(order) // 2])
        first.append(difference(rows, masks))
        second.append(difference(rows, {name: ~mask for name, mask in masks.items()}))
    return np.stack(first), np.stack(second)


def two_sample_interval(
    value: float | None,
    requests: Floats,
    questions: Floats,
    confidence: float,
    bounds: tuple[float, float] = (-1.0, 1.0),
) -> dict[str, Any]:
    """Interval of an estimate that rests on two independent samples.

    Args:
        value: the estimate.
        requests: float64 [groups], the estimate without each group of the one sample.
        questions: float64 [groups], the same of the other.
        confidence: of the interval.
        bounds: between which the estimate lies.

    Returns:
        `low`, `high`, `standard_error`, and those of both samples; None where one of them has none. The
        quantile is Student's t with one degree of freedom less than the smaller sample has groups.
    """
    each = [jackknife_interval(value, part, confidence, bounds) for part in (requests, questions)]
    errors = [part.standard_error for part in each]
    told = {"standard_error_requests": errors[0], "standard_error_questions": errors[1]}
    if value is None or errors[0] is None or errors[1] is None:
        return {"low": None, "high": None, "standard_error": None, **told}
    error = float(np.hypot(errors[0], errors[1]))
    groups = min(len(requests), len(questions))
    reach = float(stdtrit(groups - 1, (1 + confidence) / 2)) * error
    low, high = np.clip([value - reach, value + reach], *bounds)
    return {"low": float(low), "high": float(high), "standard_error": error, **told}


def ceiling_of(*split_halves: float | None) -> float | None:
    """The largest cosine that two noisy estimates of one direction would show, on average.

    By Spearman and Brown the reliability of the whole follows from the cosine of its halves; the cosine of
    two estimates is the true one times the root of both reliabilities.

    Returns:
        None where a split-half cosine is missing, or not above 0: there is nothing to correct for.
    """
    product = 1.0
    for half in split_halves:
        if half is None or not half > 0:
            return None
        product *= 2 * half / (1 + half)
    return float(np.sqrt(product))
