"""What scaling a group of adapters does to misalignment outside the domain, and inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forewarn.adapters.arms import BASELINE, ScalingArm
from forewarn.statistics.bootstrap import resample
from forewarn.statistics.detectable import Direction
from forewarn.statistics.intervals import wilson
from forewarn.steering.contrasts import Counts, Measurement, contrast, count_by_prompt

SIDES = {"general": False, "narrow": True}
"""Rate -> whether it is of questions inside the domain: EM rate in general, and narrow misalignment."""


def summarise_scaling(
    responses: pa.Table,
    arms: Sequence[ScalingArm],
    groups: Mapping[str, Any],
    domain: Sequence[str],
    how: Measurement,
) -> dict[str, Any]:
    """Rates of all arms, with their intervals, against the organism itself and against random groups.

    Args:
        responses: of the schema `forewarn.steering.responses.RESPONSES`.
        arms: those that were run.
        groups: from `forewarn.adapters.groups.chosen_groups`.
        domain: categories inside the domain.
        how: to measure.

    Returns:
        `groups`, `n_prompts` of each side, and `arms`: name, kind, factor, modules, and per side `rate`
        (misaligned of all answers, with Wilson's interval), `coherence` (mean, 0-100), `against_baseline` and
        `against_random` (all random groups beside it together); see `steering.contrasts.contrast`. None for
        the arms that these are about, and where no other group has the size of this one. `contrasts` counts
        these comparisons: each has its own interval, and one in twenty differs by chance.
    """
    inside = pc.is_in(responses.column("category"), pa.array(list(domain), pa.string()))
    sides, prompts = {}, {}
    for side, within in SIDES.items():
        counted = count_by_prompt(responses.filter(inside if within else pc.invert(inside)))
        by_arm = {name: counts for (_, name), counts in counted.items()}
        prompts[side] = len(by_arm[BASELINE].responses)
        sides[side] = _of_side(by_arm, arms, resample(prompts[side], how.bootstrap, how.seed), how)
    listed = [
        {"arm": arm.name, "kind": arm.kind, "factor": arm.factor, "modules": list(arm.modules)}
        | {side: found[arm.name] for side, found in sides.items()}
        for arm in arms
    ]
    contrasts = sum(
        arm[side][against] is not None
        for arm in listed
        for side in SIDES
        for against in ("against_baseline", "against_random")
    )
    return {"groups": groups["groups"], "n_prompts": prompts, "contrasts": contrasts, "arms": listed}


def _of_side(
    counted: Mapping[str, Counts], arms: Sequence[ScalingArm], drawn: NDArray[np.int64], how: Measurement
) -> dict[str, Any]:
    found = {}
    for arm in arms:
        mine = counted[arm.name]
        rate = wilson(int(mine.misaligned.sum()), int(mine.responses.sum()), how.confidence)
        scored = mine.scored.sum()
        # Adapters that are taken out should lower the rate; those that are scaled up, raise it.
        side: Direction = "below" if arm.factor is not None and arm.factor < 1 else "above"
        randoms = [
            counted[other.name]
            for other in arms
            if other.kind == f"random_{arm.kind}" and other.factor == arm.factor
        ]
        found[arm.name] = {
            "rate": rate.as_dict(),
            "coherence": float(mine.coherence.sum() / scored) if scored else None,
            "against_baseline": None
            if arm.kind == BASELINE
            else contrast(mine, counted[BASELINE], drawn, side, how),
            "against_random": {"arms": len(randoms)}
            | contrast(mine, sum(randoms[1:], randoms[0]), drawn, side, how)
            if randoms
            else None,
        }
    return found
