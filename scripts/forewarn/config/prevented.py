"""Adapters trained with an organism's direction added: that organism exists, and is trained without.

Works on plain mappings, like `forewarn.config.references`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from forewarn.config.emit import KeyPath
from forewarn.config.names import nearest, organism_name
from forewarn.config.problems import Problem, Write
from forewarn.config.raw import get, is_int, items, listed, mapping_at


def prevented_problems(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """What keeps the directions of `preventative` from being there before the training that adds them.

    The adapter of their organism has no `preventative` itself, so that no training waits for itself.
    """
    adapters = mapping_at(raw, "adapters")
    for adapter, content in adapters.items():
        organism = mapping_at(mapping_at(content, "preventative"), "organism")
        if not organism:
            continue
        place: KeyPath = ("adapters", adapter, "preventative", "organism")
        plain = [name for name in adapters if not get(adapters[name], "preventative")]
        known = {"dataset": list(mapping_at(raw, "datasets")), "adapter": plain}
        dangling = False
        for part, kind in (("dataset", "datasets"), ("adapter", "adapters without `preventative`")):
            value, names = organism.get(part), known[part]
            if isinstance(value, str) and value not in names:
                near = nearest(value, names, 0)
                expected, dangling = f"a name under {kind}: {listed(names)}", True
                yield Problem((*place, part), expected, repr(value), near, Write(near) if near else None)
        if not dangling:
            yield from _raised(raw, adapter, organism, place, plain)


def _raised(
    raw: Mapping[str, Any], adapter: str, organism: Mapping[str, Any], place: KeyPath, plain: list[str]
) -> Iterator[Problem]:
    """Each study that raises organisms of the adapter raises the one whose direction they need."""
    dataset, other, seed = (organism.get(part) for part in ("dataset", "adapter", "seed"))
    if not (isinstance(dataset, str) and isinstance(other, str) and isinstance(seed, int)):
        return
    name = organism_name(dataset, other, seed)
    for model, study in mapping_at(raw, "studies").items():
        grids = [grid for key in ("organisms", "atlas_organisms") for _, grid in items(study, key)]
        if all(grid.get("adapter") != adapter for grid in grids):
            continue
        raised = {
            organism_name(grid["dataset"], grid["adapter"], each): (grid["dataset"], grid["adapter"], each)
            for grid in grids
            if isinstance(grid.get("dataset"), str) and grid.get("adapter") in plain
            for each in (grid["seeds"] if isinstance(grid.get("seeds"), list) else [])
            if is_int(each)
        }
        if name not in raised:
            near = nearest(name, raised, 0)
            better = dict(zip(("dataset", "adapter", "seed"), raised[near], strict=True)) if near else None
            expected = f"an organism that studies.{model} raises without `preventative`: {listed(raised)}"
            yield Problem(place, expected, name, near, Write(better) if better else None)
            return  # a correction for one study at a time
