"""The arms of a scaling experiment: each group of adapters times a factor, and random groups of its size.

In arXiv 2506.11618 the general adapters times 20 give general misalignment, and the medical ones times 30
narrow misalignment. That shows what the groups do only beside what any adapters of that number do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

BASELINE = "baseline"
OPERATION = "scale"


@dataclass(frozen=True)
class ScalingArm:
    """Some adapters times a factor, all others as they were trained.

    Attributes:
        name: unique in its experiment.
        kind: "baseline", the group's name, or "random_" and the name of the group that it is held against.
        factor: of the scaled adapters; None for the baseline, the organism itself.
        modules: the scaled adapters.
    """

    name: str
    kind: str
    factor: float | None = None
    modules: tuple[str, ...] = ()


def scaling_arms(
    groups: Mapping[str, Any], factors: Sequence[float], random_groups: int, seed: int
) -> list[ScalingArm]:
    """The organism itself; then per group and factor the group, and random groups of the same size.

    Args:
        groups: from `forewarn.adapters.groups.chosen_groups`.
        factors: that adapters are multiplied by; 0 takes them out.
        random_groups: how many beside each group, at most: there are no more than combinations of modules.
        seed: of the choice.
    """
    arms = [ScalingArm(BASELINE, BASELINE)]
    for number, (group, held) in enumerate(sorted(groups["groups"].items())):
        own = tuple(sorted(held["modules"]))
        others = [each for each in combinations(sorted(groups["modules"]), len(own)) if each != own]
        order = np.random.default_rng([seed, number]).permutation(len(others))
        randoms = [others[at] for at in sorted(order[:random_groups])]
        for factor in factors:
            name = f"{OPERATION}_{factor:g}x"
            arms.append(ScalingArm(f"{name}_{group}", group, factor, own))
            arms += [
                ScalingArm(f"{name}_random_{group}_{at:02d}", f"random_{group}", factor, modules)
                for at, modules in enumerate(randoms)
            ]
    return arms
