"""Which adapter serves what, by a rule that was written down, and which are scaled together.

An adapter serves a question if the sparse probe keeps it (the interval of its coefficient over prompts drawn
anew leaves out 0) and its coefficient lies beyond chance, with the choice among all adapters and both
questions paid for (Holm). The first half is needed since chance is not centred at 0: a coefficient of 0 may
lie beyond it. An adapter is `general` if it serves `misaligned` alone, `narrow` if it serves `in_domain`
alone, `both`, or `neither`; where one of the questions cannot be asked, nobody is called anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from forewarn.adapters.problems import Name

RULE = (
    "an adapter serves a question if the interval of its L1 coefficient over resampled prompts leaves out 0 "
    "and the coefficient lies beyond shuffled labels, adjusted by Holm over all adapters and both questions; "
    "general: misaligned alone, narrow: in_domain alone"
)
Verdict = Literal["general", "narrow", "both", "neither"]
GROUPS: dict[Verdict, Name] = {"general": "misaligned", "narrow": "in_domain"}
"""Groups that are scaled, and the question that each serves."""


def verdicts_of(adapters: Sequence[str], serves: Mapping[Name, NDArray[np.bool_]]) -> dict[str, Verdict]:
    """What each adapter serves; nothing where a question could not be asked."""
    if len(serves) < len(GROUPS):
        return {}
    names: dict[tuple[bool, bool], Verdict] = {
        (True, False): "general", (False, True): "narrow", (True, True): "both", (False, False): "neither",
    }  # fmt: skip
    return {
        adapter: names[bool(general), bool(narrow)]
        for adapter, general, narrow in zip(adapters, serves["misaligned"], serves["in_domain"], strict=True)
    }


def chosen_groups(
    adapters: Sequence[str], found: Mapping[str, Sequence[str]], fallback: int
) -> dict[str, Any]:
    """The modules that are scaled together.

    A group to which the rule gives no module takes the `fallback` modules with the largest coefficient of its
    question that are not in the other group, and is marked: what it shows is not about modules that serve it.

    Args:
        adapters: all of them.
        found: from `forewarn.adapters.serving.probe_adapters`.
        fallback: modules of such a group.

    Returns:
        `modules`, all adapters; and `groups`: name -> {"modules", "fallback"}, empty where a question could
        not be asked.
    """
    groups: dict[str, Any] = {}
    for group, other in (("general", "narrow"), ("narrow", "general")):
        modules, order = list(found[group]), found.get(f"order.{group}")
        if order is None:
            continue
        taken = groups[other]["modules"] if other in groups else found[other]
        spare = [name for name in order if name not in taken][:fallback]
        if chosen := modules or spare:
            groups[group] = {"modules": sorted(chosen), "fallback": not modules}
    return {"modules": sorted(adapters), "groups": groups}
