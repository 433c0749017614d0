"""What ablating other organisms' directions does in one organism, held against random directions.

A cell of the matrix differs from random directions by a rule that was fixed before any arm was run. Two tests
have to agree, so that the larger of their p-values counts:

- over prompts: all arms answer the same prompts with the same random numbers, so that the differences of the
  prompts' EM rates from those of all random arms together are paired (Student's t; are other prompts alike?);
- over directions: the cell's EM rate against the spread of the random arms' rates, as a prediction interval
  sees it (t with one degree of freedom less than random arms; would another random direction do the same?).

What `summary` says follows from these p-values, corrected over all cells of the matrix (Holm).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import stdtr

from forewarn.convergence.arms import PREFIX
from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.ratios import bootstrap_ratio
from forewarn.steering.contrasts import Counts, Measurement, compare_arms, count_by_prompt
from forewarn.steering.verdict import summarise_arms

EQUAL_COHERENCE = 2.0
"""Points of mean coherence (0 to 100) within which a random arm counts as of equal coherence."""

TESTED = ("direction", "own_direction")


def summarise_subject(responses: pa.Table, settings: Mapping[str, Any]) -> dict[str, Any]:
    """One column of the matrix.

    Args:
        responses: of all arms of one organism, judged (`forewarn.steering.summary.judged_arms`).
        settings: `sources` (the organisms whose directions were ablated), `direction`, `layer`, `measure`
            (`confidence`, `power`, `bootstrap`, `seed`) and the `thresholds` of the judge.

    Returns:
        `subject`, `construction`, `layer`, `questions` (how many), `baseline` (its arm), `random` (their
        number, and the least, mean and greatest of their EM rates and coherence, by kind), `cells` (per
        source: its arm, see `summarise_arms` and `compare_arms`; `relative_change` of the EM rate from the
        baseline; `coherence_against_random`; `equal_coherence`, the random arms as coherent as this one; and
        the p-values), and `undefined`, the sources that have no such direction.
    """
    how = Measurement(**settings["measure"])
    listed = summarise_arms(responses, **settings["thresholds"], confidence=how.confidence)
    arms = [arm | more for arm, more in zip(listed, compare_arms(responses, listed, how), strict=True)]
    (subject,) = {arm["subject"] for arm in arms}
    counts = {name: counted for (_, name), counted in count_by_prompt(responses).items()}
    (baseline,) = [arm for arm in arms if arm["kind"] == "baseline"]
    randoms = [arm for arm in arms if arm["kind"].startswith("random")]
    cells = [
        {
            "source": arm["arm"].removeprefix(PREFIX),
            **arm,
            "relative_change": _relative(arm, baseline),
            "coherence_against_random": _coherence(arm, randoms, counts, how),
            "equal_coherence": _equal_coherence(arm, randoms),
            **p_values(counts[arm["arm"]], [counts[random["arm"]] for random in randoms]),
        }
        for arm in arms
        if arm["kind"] in TESTED
    ]
    found = [cell["source"] for cell in cells]
    return {
        "subject": subject,
        "construction": settings["direction"],
        "layer": settings["layer"],
        "questions": len(next(iter(counts.values())).responses),
        "baseline": baseline,
        "random": {
            kind: _spread([arm for arm in randoms if arm["kind"] == kind])
            for kind in dict.fromkeys(arm["kind"] for arm in randoms)
        },
        "cells": cells,
        "undefined": [name for name in settings["sources"] if name not in found],
    }


def p_values(arm: Counts, randoms: Sequence[Counts]) -> dict[str, float | None]:
    """`p_prompts`, `p_directions` and the larger of both, `p`; two-sided, None where one cannot be told.

    That is with fewer than three random arms, or where these do not differ from each other at all.
    """
    nothing: dict[str, float | None] = {"p_prompts": None, "p_directions": None, "p": None}
    if len(randoms) < 3:
        return nothing
    together = sum(randoms[1:], randoms[0])
    asked = arm.responses > 0
    apart = (arm.misaligned / np.maximum(arm.responses, 1) - together.misaligned / together.responses)[asked]
    rates = np.array([each.misaligned.sum() / each.responses.sum() for each in randoms])
    difference = arm.misaligned.sum() / arm.responses.sum() - rates.mean()
    prompts = _two_sided(apart.mean(), apart.std(ddof=1) / np.sqrt(len(apart)), len(apart) - 1)
    spread = rates.std(ddof=1) * np.sqrt(1 + 1 / len(rates))
    directions = _two_sided(difference, spread, len(rates) - 1)
    if prompts is None or directions is None:
        return nothing | {"p_prompts": prompts, "p_directions": directions}
    return {"p_prompts": prompts, "p_directions": directions, "p": max(prompts, directions)}


def _two_sided(difference: float, error: float, freedom: int) -> float | None:
    if freedom < 1 or not error > 0:
        return None
    return float(2 * stdtr(freedom, -abs(difference) / error))


def _relative(arm: dict[str, Any], baseline: dict[str, Any]) -> float | None:
    """Change of the EM rate as a share of the baseline's; None where that is 0."""
    before, after = baseline["em"]["rate"], arm["em"]["rate"]
    return (after - before) / before if before else None


def _coherence(
    arm: dict[str, Any], randoms: list[dict[str, Any]], counts: Mapping[str, Counts], how: Measurement
) -> dict[str, Any] | None:
    """Mean coherence minus that of all random arms, with an interval over prompts; None without any."""
    if not randoms:
        return None
    mine, others = counts[arm["arm"]], [counts[random["arm"]] for random in randoms]
    together = sum(others[1:], others[0])
    if not (mine.scored.any() and together.scored.any()):
        return None
    drawn = resample(len(mine.responses), how.bootstrap, how.seed)
    draws = [bootstrap_ratio(each.coherence, each.scored, drawn) for each in (mine, together)]
    interval = percentile_interval(draws[0] - draws[1], how.confidence, drawn.shape[1])
    means = [each.coherence.sum() / each.scored.sum() for each in (mine, together)]
    return {"value": float(means[0] - means[1]), **interval.as_dict()}


def _equal_coherence(arm: dict[str, Any], randoms: list[dict[str, Any]]) -> dict[str, Any]:
    """The random arms that leave the model about as coherent as this one, and their EM rates."""
    mine = arm["mean_coherence"]
    alike = [
        random
        for random in randoms
        if None not in (mine, random["mean_coherence"])
        and abs(random["mean_coherence"] - mine) <= EQUAL_COHERENCE
    ]
    return {"within": EQUAL_COHERENCE, **_spread(alike)}


def _spread(arms: list[dict[str, Any]]) -> dict[str, Any]:
    rates = [arm["em"]["rate"] for arm in arms]
    coherence = [arm["mean_coherence"] for arm in arms if arm["mean_coherence"] is not None]
    return {
        "arms": len(arms),
        "em_rate": _three(rates),
        "mean_coherence": _three(coherence),
    }


def _three(values: list[float]) -> dict[str, float | None]:
    return {
        "least": min(values, default=None),
        "mean": sum(values) / len(values) if values else None,
        "greatest": max(values, default=None),
    }
