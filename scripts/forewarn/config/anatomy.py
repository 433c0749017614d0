"""The shape of the typed sections: what stands at a key path, told in words, and an example of it."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from forewarn.config.default import DEFAULT
from forewarn.config.emit import KeyPath, inline
from forewarn.config.model import Configuration

Address = tuple[type[BaseModel], str, int]
"""A section, one of its keys, and how many levels of mapping or list below that key."""


@dataclass(frozen=True)
class Spot:
    """A place in the configuration.

    Args:
        path: keys and list indices that lead there.
        annotation: type of what belongs there, with its constraints; None below an unknown key.
        address: the section and key that the place belongs to; None at the top.
    """

    path: KeyPath
    annotation: Any
    address: Address | None

    @property
    def field(self) -> FieldInfo | None:
        """The key's field, if the place is the value of a section's key (not an item below it)."""
        if self.address is None or self.address[2] > 0:
            return None
        return self.address[0].model_fields.get(self.address[1])

    def down(self, part: str | int) -> Spot:
        """The place one key or index further down; its annotation is None if there is no such key."""
        shape = strip(self.annotation)[0]
        path = (*self.path, part)
        if is_section(shape):
            field = shape.model_fields.get(part)
            return Spot(path, annotation_of(field) if field else None, (shape, str(part), 0))
        if get_origin(shape) in (dict, list) and self.address is not None:
            owner, key, depth = self.address
            return Spot(path, get_args(shape)[-1], (owner, key, depth + 1))
        return Spot(path, None, self.address)


TOP = Spot((), Configuration, None)


def follow(location: tuple[str | int, ...]) -> list[Spot]:
    """The places from the top down to a location of a validation error.

    Tags of tagged unions are in such locations without being keys; below a plain union (a value of one
    type or another) the location goes on with labels of the types, which are left out.
    """
    spots = [TOP]
    for part in location:
        here = spots[-1]
        variants = tagged(here.annotation)
        if variants is not None:
            spots[-1] = Spot(here.path, variants[1].get(str(part)), here.address)
            continue
        shape = strip(here.annotation)[0]
        if here.annotation is None or is_union(shape):
            break
        spots.append(here.down(part))
    return spots


def annotation_of(field: FieldInfo) -> Any:
    """A field's type with its constraints."""
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def strip(annotation: Any) -> tuple[Any, list[Any]]:
    """The type without `Annotated` and `| None`, and its constraints."""
    constraints: list[Any] = []
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            for item in more:
                constraints += item.metadata if isinstance(item, FieldInfo) else [item]
            continue
        options = [option for option in get_args(annotation) if option is not type(None)]
        if is_union(annotation) and len(options) == 1:
            annotation = options[0]
            continue
        return annotation, constraints


def tagged(annotation: Any) -> tuple[str, dict[str, Any]] | None:
    """The key that tells the variants of a union apart, and the variants by its values."""
    key: str | None = None
    shape = strip(annotation)[0]
    while annotation is not shape:  # through `Annotated` and `| None`
        annotation, *more = [option for option in get_args(annotation) if option is not type(None)]
        for item in more:
            if isinstance(item, FieldInfo) and isinstance(item.discriminator, str):
                key = item.discriminator
    if key is None:
        return None
    variants: dict[str, Any] = {}
    for option in get_args(annotation) if is_union(annotation) else [annotation]:
        for shape in sections(option):
            for tag in get_args(shape.model_fields[key].annotation):
                variants[tag] = option
    return key, variants


def sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections that an annotation allows, directly or as members of a union."""
    shape = strip(annotation)[0]
    if is_section(shape):
        yield shape
    elif is_union(shape):
        for option in get_args(shape):
            yield from sections(option)


def is_section(shape: Any) -> bool:
    """Whether it is one of the typed sections."""
    return isinstance(shape, type) and issubclass(shape, BaseModel)


def is_union(shape: Any) -> bool:
    """Whether it is a union, written either way."""
    return get_origin(shape) in (Union, types.UnionType)


def describe(annotation: Any) -> str:
    """What belongs there, in words, e.g. `a whole number from 0 to 5, or null`."""
    shape, constraints = strip(annotation)
    null = ", or null" if type(None) in get_args(_without_annotated(annotation)) else ""
    variants = tagged(annotation)
    if variants is not None:
        return f"a section with {variants[0]}: {' or '.join(variants[1])}" + null
    if is_union(shape):
        return ", or ".join(describe(option) for option in get_args(shape)) + null
    if is_section(shape):
        return f"a section with the keys {', '.join(shape.model_fields)}" + null
    if get_origin(shape) is Literal:
        choices = [inline(choice) for choice in get_args(shape)]
        return ("one of " if len(choices) > 1 else "") + ", ".join(choices) + null
    if get_origin(shape) is dict:
        return "a mapping of names to sections" + null
    if get_origin(shape) is list:
        least = " of at least one item" if any(_bound(item, "min_length") for item in constraints) else ""
        return f"a list{least}, each {describe(get_args(shape)[0])}" + null
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return words[shape] + _limits(constraints, shape) + null


def literals(annotation: Any) -> list[Any]:
    """The choices, if only certain values are allowed."""
    shape = strip(annotation)[0]
    return list(get_args(shape)) if get_origin(shape) is Literal else []


def example(address: Address | None) -> list[Any]:
    """Values that may stand at an address: the field's own examples, else that of the default study."""
    if address is None:
        return [DEFAULT]
    owner, key, depth = address
    field = owner.model_fields.get(key)
    own = list(field.examples or []) if field is not None and depth == 0 else []
    shown = _shown().get(address)
    return own or ([shown] if shown is not None else [])


def homes(key: str) -> list[str]:
    """Sections that have a key of this name, as paths with `*` for names."""
    found = [
        f"{path}.{key}".removeprefix(".")
        for path, shape in _all(Configuration, "")
        if key in shape.model_fields
    ]
    return list(dict.fromkeys(found))


def _all(annotation: Any, path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    for shape in sections(annotation):
        yield path, shape
        for key, field in shape.model_fields.items():
            inner, below = strip(annotation_of(field))[0], f"{path}.{key}".removeprefix(".")
            if get_origin(inner) in (dict, list):
                inner, below = get_args(inner)[-1], below + (".*" if get_origin(inner) is dict else "[]")
            yield from _all(inner, below)


@cache
def _shown() -> dict[Address, Any]:
    """Values of the default study by address; the first of several."""
    values: dict[Address, Any] = {}

    def visit(value: Any, spot: Spot) -> None:
        if spot.address is not None:
            values.setdefault(spot.address, value)
        variants = tagged(spot.annotation)
        while variants is not None:
            spot = Spot(spot.path, variants[1][value[variants[0]]], spot.address)
            variants = tagged(spot.annotation)
        if isinstance(value, Mapping | list):
            for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
                visit(item, spot.down(key))

    visit(DEFAULT, TOP)
    return values


def _without_annotated(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _bound(constraint: Any, kind: str) -> Any:
    return getattr(constraint, kind, None)


def _limits(constraints: list[Any], shape: type) -> str:
    bounds = {
        kind: bound
        for kind in ("ge", "gt", "le", "lt")
        for constraint in constraints
        if (bound := _bound(constraint, kind)) is not None
    }
    words = {"ge": "of at least", "gt": "above", "le": "at most", "lt": "below"}
    if set(bounds) == {"ge", "le"}:
        return f" from {bounds['ge']} to {bounds['le']}"
    if shape is str and any(_bound(item, "min_length") for item in constraints):
        return " that is not empty"
    return " and".join(f" {words[kind]} {bound}" for kind, bound in bounds.items())
