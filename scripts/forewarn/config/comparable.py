"""Studies whose elasticity is compared: each is there, and pushes the same organism back alike.

Works on plain mappings, like `forewarn.config.references`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from forewarn.config.emit import KeyPath, inline
from forewarn.config.model.elasticity import Elasticity
from forewarn.config.names import nearest, organism_name
from forewarn.config.problems import Problem, Remove, Write
from forewarn.config.raw import get, is_int, items, listed, mapping_at

SWEEPS = ("size", "pretraining")
_PARTS = ("dataset", "adapter", "seed")
_ALIKE = [
    key for key in Elasticity.model_fields if key not in ("organisms", "opposites", "random_directions")
]
"""Settings of elasticity that change a half-return, or which prompts and draws it is read with."""


def sweep_problems(raw: Mapping[str, Any], model: str, study: Any) -> Iterator[Problem]:
    """What keeps the models of a study's `elasticity_sweeps` from being compared."""
    sweeps, studies = mapping_at(study, "elasticity_sweeps"), mapping_at(raw, "studies")
    organism = _key(mapping_at(sweeps, "organism"))
    if not sweeps or organism is None:
        return
    place: KeyPath = ("studies", model, "elasticity_sweeps")
    if not mapping_at(study, "elasticity"):
        yield Problem(
            place, "a section `elasticity` beside it, with whose settings all push", "none", None, Remove()
        )
        return
    there = [name for name in studies if isinstance(name, str)]
    named: dict[str, None] = {}
    for key in SWEEPS:
        given = get(sweeps, key)
        for index, name in enumerate(given if isinstance(given, list) else []):
            if name in there:
                named[name] = None
            elif isinstance(name, str):
                near = nearest(name, there, 0)
                expected = f"a name under studies: {listed(there)}"
                yield Problem((*place, key, index), expected, repr(name), near, Write(near) if near else None)
    for other in named:
        yield from _beside(other, studies[other], model, study, organism)


def _beside(
    other: str, study: Any, model: str, first: Any, organism: tuple[str, str, int]
) -> Iterator[Problem]:
    """Whether one of the studies is measured as the one that compares."""
    path: KeyPath = ("studies", other)
    wanted, pushed = mapping_at(first, "elasticity"), mapping_at(study, "elasticity")
    name, reason = organism_name(*organism), f"as studies.{model}.elasticity_sweeps compares it"
    reference = dict(zip(_PARTS, organism, strict=True))
    opposite = get(mapping_at(wanted, "opposites"), organism[0])
    if not pushed:
        like = {key: value for key, value in wanted.items() if key in _ALIKE and value is not None}
        section = {"organisms": [reference], "opposites": {organism[0]: opposite}, **like}
        yield Problem((*path, "elasticity"), f"{name} pushed back, {reason}", "none", None, Write(section))
        return
    there = [each for _, each in items(pushed, "organisms")]
    if organism not in map(_key, there):
        yield Problem(
            (*path, "elasticity", "organisms"), f"{name} among them, {reason}",
            listed(organism_name(*key) for key in map(_key, there) if key), None,
            Write([*map(dict, there), reference]),
        )  # fmt: skip
    elif (own := get(mapping_at(pushed, "opposites"), organism[0])) != opposite and isinstance(opposite, str):
        yield _unlike((*path, "elasticity", "opposites", organism[0]), model, opposite, own)
    for key in _ALIKE:
        field = Elasticity.model_fields[key]
        if not (field.is_required() and (key not in wanted or key not in pushed)):  # which is told elsewhere
            default = field.get_default(call_default_factory=True)
            values = [section.get(key, default) for section in (wanted, pushed)]
            if values[0] != values[1]:
                yield _unlike((*path, "elasticity", key), model, *values)
    for keys in (("judge",), ("questions", "evaluation")):
        value, found = first, study
        for key in keys:
            value, found = get(value, key), get(found, key)
        if isinstance(value, str) and isinstance(found, str) and value != found:
            yield _unlike((*path, *keys), model, value, found)


def _unlike(path: KeyPath, model: str, wanted: Any, found: Any) -> Problem:
    expected = f"what the study of {model} has, whose elasticity_sweeps compare both: {inline(wanted)}"
    return Problem(path, expected.strip(), inline(found).strip(), None, Write(wanted))


def _key(organism: Mapping[str, Any]) -> tuple[str, str, int] | None:
    """The dataset, adapter and seed; None where one of these has the wrong type."""
    dataset, adapter, seed = (organism.get(part) for part in _PARTS)
    fits = isinstance(dataset, str) and isinstance(adapter, str) and is_int(seed)
    return (dataset, adapter, seed) if fits else None  # type: ignore[return-value]
