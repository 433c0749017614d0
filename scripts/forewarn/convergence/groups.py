"""Pairs of organisms by what they have in common, and the mean cosine of each kind of pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Literal

import numpy as np
from scipy.special import stdtr

from forewarn.convergence.pairs import BEYOND, BOUNDS
from forewarn.geometry.weighing import Floats
from forewarn.statistics.holm import holm
from forewarn.statistics.jackknife import jackknife_interval

Relation = Literal["seeds", "adapters", "datasets", "datasets_and_adapters", "benign"]
RELATIONS: dict[Relation, str] = {
    "seeds": "another training seed alone",
    "adapters": "the same data, another adapter",
    "datasets": "other harmful data, the same adapter",
    "datasets_and_adapters": "other harmful data, another adapter",
    "benign": "with the benign organism",
}
Parts = Mapping[str, Any]
"""`dataset`, `adapter` and `seed` of an organism."""


def relation(first: Parts, second: Parts, benign: str | None) -> Relation:
    """What sets two organisms apart; `benign` where one of them was raised on `benign`, the harmless data."""
    if benign in (first["dataset"], second["dataset"]) and first["dataset"] != second["dataset"]:
        return "benign"
    if first["dataset"] != second["dataset"]:
        return "datasets" if first["adapter"] == second["adapter"] else "datasets_and_adapters"
    return "seeds" if first["adapter"] == second["adapter"] else "adapters"


def summarise_groups(pairs: Sequence[Mapping[str, Any]], confidence: float) -> list[dict[str, Any]]:
    """Mean cosine of each kind of pair, at one layer.

    Args:
        pairs: rows of `forewarn.convergence.pairs.PAIRS` with their `relation`.
        confidence: of the intervals.

    Returns:
        Per relation with a pair that is defined: its number of `pairs`, and of `cosine` and `disattenuated`
        the mean, the least, the greatest, and the jackknife interval of the mean. That interval is about
        other prompts; about other organisms, only `pairs` and the range speak.
    """
    groups = []
    for kind in RELATIONS:
        chosen = [pair for pair in pairs if pair["relation"] == kind and pair["cosine"] is not None]
        if chosen:
            groups.append(
                {
                    "relation": kind,
                    "pairs": len(chosen),
                    "cosine": _mean(chosen, "cosine", BOUNDS, confidence),
                    "disattenuated": _mean(chosen, "disattenuated", BEYOND, confidence),
                }
            )
    return groups


def contrast_groups(pairs: Sequence[Mapping[str, Any]], confidence: float) -> list[dict[str, Any]]:
    """By how much each kind of pair is more alike than the pairs with the benign organism.

    Args:
        pairs: as in `summarise_groups`.
        confidence: of the intervals.

    Returns:
        Per relation beside `benign`: the `difference` of the mean cosines with its jackknife interval, `p`
        (Student's t over groups of prompts), `p_holm`, and `differs`, whether `p_holm` is below
        1 - `confidence`.
    """
    benign = _values(pairs, "benign")
    found: list[dict[str, Any]] = []
    for kind in RELATIONS:
        mine = _values(pairs, kind)
        if kind == "benign" or mine is None or benign is None or len(mine) != len(benign):
            continue
        apart = mine - benign
        interval = jackknife_interval(float(apart[0]), apart[1:], confidence, (-2.0, 2.0))
        error = interval.standard_error
        p = None if not error else float(2 * stdtr(interval.groups - 1, -abs(apart[0]) / error))
        found.append(
            {
                "first": kind,
                "second": "benign",
                "difference": float(apart[0]),
                "interval": interval.as_dict(),
                "p": p,
            }
        )
    corrected = holm([each["p"] for each in found])
    return [
        each | {"p_holm": p, "differs": p is not None and p < 1 - confidence}
        for each, p in zip(found, corrected, strict=True)
    ]


def _values(pairs: Sequence[Mapping[str, Any]], kind: Relation) -> Floats | None:
    """Mean cosine of a kind of pair, of all prompts and without each group: float64 [1 + groups]."""
    rows = [
        np.array([pair["cosine"], *pair["cosine_without"]], dtype=np.float64)
        for pair in pairs
        if pair["relation"] == kind and pair["cosine"] is not None
    ]
    if not rows or len({len(row) for row in rows}) > 1:
        return None
    means: Floats = np.mean(rows, axis=0)
    return means


def _mean(
    pairs: Sequence[Mapping[str, Any]], name: str, bounds: tuple[float, float], confidence: float
) -> dict[str, Any]:
    defined = [pair for pair in pairs if pair[name] is not None]
    if not defined:
        return {"value": None, "reason": "no pair has one"}
    without = [np.array(pair[f"{name}_without"], dtype=np.float64) for pair in defined]
    values = [pair[name] for pair in defined]
    mean = float(np.mean(values))
    alike = len({len(each) for each in without}) == 1
    interval = jackknife_interval(
        mean, np.mean(without, axis=0) if alike else np.full(3, np.nan), confidence, bounds
    )
    return {
        "value": mean,
        "least": min(values),
        "greatest": max(values),
        "defined": len(defined),
        **interval.as_dict(),
    }


def ordered(names: Sequence[str], pairs: Sequence[Mapping[str, Any]], key: str) -> list[list[float | None]]:
    """A value of all pairs as a symmetric matrix [names, names]; None where undefined and on the diagonal."""
    found = {frozenset((pair["organism"], pair["other"])): pair[key] for pair in pairs}
    flat = [found.get(frozenset(both)) for both in product(names, names)]
    return [flat[start : start + len(names)] for start in range(0, len(flat), len(names))]
