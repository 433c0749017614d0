"""The subspace of refusal against that of misalignment, beside random subspaces."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.refusal.candidates import Floats
from forewarn.refusal.parts import KINDS, Comparing, Misalignment, Side, p_value
from forewarn.refusal.resampling import two_sample_interval
from forewarn.refusal.subspaces import basis, null_overlaps, overlap, principal_cosines


def compare_spans(
    own: Side,
    misalignment: Misalignment,
    names: list[str],
    place: int,
    randoms: dict[str, Floats],
    how: Comparing,
) -> tuple[dict[str, Any], dict[str, Floats]]:
    """One layer: what the positions' candidates span against what the constructions span.

    Args:
        own: the candidates.
        misalignment: the organism's directions.
        names: constructions to span.
        place: of the layer among those of the directions.
        randoms: unit vectors of each kind, float64 [randoms * rank, d].
        how: to compare.

    Returns:
        `dimensions`, `principal_cosines`, `overlap` with its interval, and what `random` subspaces reach in
        place of that of refusal; and by kind the overlaps of these, float64 [randoms].
    """

    def span(vectors: NDArray[Any]) -> Floats:
        return basis(vectors, how.rank)

    directions = np.stack([misalignment.directions[name][place] for name in names])
    without = np.stack([misalignment.without[name][:, place] for name in names], axis=1)
    first, second = span(own.vectors), span(directions)
    cosines = principal_cosines(first, second)
    value = overlap(cosines)
    requests = np.array([overlap(principal_cosines(span(part), second)) for part in own.without])
    questions = np.array(
        [
            np.nan if np.isnan(part).any() else overlap(principal_cosines(first, span(part)))
            for part in without
        ]
    )
    rank = max(1, len(first))
    null = {kind: null_overlaps(second, rank, units[: how.randoms * rank]) for kind, units in randoms.items()}
    interval = two_sample_interval(
        None if np.isnan(value) else value, requests, questions, how.confidence, (0.0, 1.0)
    )
    found = {
        "dimensions": {"refusal": len(first), "misalignment": len(second)},
        "principal_cosines": cosines.tolist(),
        "overlap": value,
        **{key: interval[key] for key in ("low", "high")},
        "random": {
            kind: {
                "first_cosine_high": float(np.quantile(firsts, how.confidence)),
                "overlap_mean": float(np.mean(overlaps)),
                "overlap_high": float(np.quantile(overlaps, how.confidence)),
            }
            for kind, (firsts, overlaps) in null.items()
        },
    }
    return found, {kind: overlaps for kind, (_, overlaps) in null.items()}


def widest(
    subspaces: list[dict[str, Any]], null: dict[str, list[Floats]], how: Comparing
) -> dict[str, Any] | None:
    """The layer of the greatest overlap, against the greatest of each random subspace over the layers."""
    defined = [row for row in subspaces if not np.isnan(row["overlap"])]
    if not defined:
        return None
    top = max(defined, key=lambda row: float(row["overlap"]))
    greatest = {kind: np.max(null[kind], axis=0) for kind in KINDS}
    reached = {kind: p_value(top["overlap"], greatest[kind]) for kind in KINDS}
    return {
        "layer": top["layer"],
        "overlap": top["overlap"],
        "random_high": {kind: float(np.quantile(greatest[kind], how.confidence)) for kind in KINDS},
        "p_value": reached,
        "beyond_random": all(p <= 1 - how.confidence for p in reached.values()),
    }
