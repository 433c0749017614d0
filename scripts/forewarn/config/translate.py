"""From errors of the typed sections to problems in the words of the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from forewarn.config.anatomy import Spot, describe, example, follow, homes, literals, sections, tagged
from forewarn.config.emit import KeyPath, inline
from forewarn.config.model.base import CONFLICT
from forewarn.config.names import RULE, corrected_name, nearest
from forewarn.config.problems import Problem, Remove, Rename, Write
from forewarn.config.references import REFERENCES


def problems_of(error: ValidationError, raw: Mapping[str, Any]) -> list[Problem]:
    """One problem per key path, without those of references."""
    problems: dict[KeyPath, Problem] = {}
    errors = error.errors(include_url=False)
    # Unknown keys first: a misspelt key is also a missing one, and is told once.
    for detail in sorted(errors, key=lambda detail: detail["type"] != "extra_forbidden"):
        if detail["type"] == REFERENCES:
            continue
        problem = _problem(detail, raw, problems)
        misspelt = any(
            isinstance(other.correction, Rename) and problem.path == (*other.path[:-1], other.correction.name)
            for other in problems.values()
        )
        if not misspelt:
            problems.setdefault(problem.path, problem)
    return list(problems.values())


def _problem(detail: ErrorDetails, raw: Mapping[str, Any], known: Mapping[KeyPath, Problem]) -> Problem:
    kind, location = detail["type"], detail["loc"]
    if location and location[-1] == "[key]":
        return _bad_name(follow(location[:-1])[-1].path)
    spots = follow(location)
    match kind:
        case "extra_forbidden":
            return _unknown_key(spots, detail["input"], raw, known)
        case "missing":
            correction, place = _replacement(spots, None)
            return Problem(spots[-1].path, _expected(spots[-1]), "nothing", None, correction, place)
        case "union_tag_invalid" | "union_tag_not_found":
            return _unknown_variant(spots[-1], detail["input"])
        case _ if kind == CONFLICT:
            return _conflict(spots[-1], detail["ctx"])
    value = _value(raw, spots[-1].path)
    near = _nearest_choice(spots[-1], value)
    correction, place = _replacement(spots, value)
    return Problem(spots[-1].path, _expected(spots[-1]), found(value), near, correction, place)


def _expected(spot: Spot) -> str:
    examples = spot.field.examples if spot.field is not None else None
    return describe(spot.annotation) + (f", e.g. {inline(examples[0])}" if examples else "")


def found(value: Any) -> str:
    """A value in words, with its type where that matters."""
    match value:
        case None:
            return "nothing (null)"
        case str():
            return f"{value!r} (text)"
        case Mapping():
            return f"a section with the keys {', '.join(map(str, value))}" if value else "an empty section"
        case list():
            text = inline(value)
            return f"the list {text}" if len(text) <= 60 else f"a list of {len(value)}"
        case bool() | int() | float():
            return inline(value)
    return f"{value} (a {type(value).__name__})"


def _unknown_key(
    spots: list[Spot], value: Any, raw: Mapping[str, Any], known: Mapping[KeyPath, Problem]
) -> Problem:
    *_, section, spot = spots
    keys = [key for shape in sections(section.annotation) for key in shape.model_fields]
    given = _value(raw, section.path)
    promised = {
        other.correction.name
        for other in known.values()
        if isinstance(other.correction, Rename) and other.path[:-1] == section.path
    }
    name = str(spot.path[-1])
    free = [
        key for key in keys if key not in promised and (not isinstance(given, Mapping) or key not in given)
    ]
    near = nearest(name, free)
    expected = f"one of the keys {', '.join(keys)}"
    elsewhere = homes(name)
    if near is None and elsewhere:
        expected += f"; {name} belongs to {', '.join(elsewhere[:3])}"
    return Problem(spot.path, expected, f"the unknown key {name}", near, Rename(near) if near else Remove())


def _unknown_variant(spot: Spot, value: Any) -> Problem:
    variants = tagged(spot.annotation)
    assert variants is not None, "errors about tags come from tagged unions"
    key, options = variants
    given = value.get(key) if isinstance(value, Mapping) else None
    near = nearest(given, options) if isinstance(given, str) else None

    def shared(tag: str) -> int:
        return max(len(set(value) & set(shape.model_fields)) for shape in sections(options[tag]))

    best = near or max(options, key=shared)
    words = "nothing" if isinstance(value, Mapping) and key not in value else found(given)
    return Problem((*spot.path, key), f"one of {', '.join(options)}", words, near, Write(best))


def _bad_name(path: KeyPath) -> Problem:
    name = str(path[-1])
    better = corrected_name(name)
    return Problem(path, RULE, repr(name), better, Rename(better))


def _conflict(spot: Spot, context: dict[str, Any]) -> Problem:
    correction: dict[str, Any] = context["correction"]
    first, value = next(iter(correction.items()))
    path = (*spot.path, first)
    if len(correction) == 1:
        return Problem(path, context["expected"], context["found"], None, Write(value))
    return Problem(spot.path, context["expected"], context["found"], None, Write(correction))


def _nearest_choice(spot: Spot, value: Any) -> str | None:
    choices = [choice for choice in literals(spot.annotation) if isinstance(choice, str)]
    return nearest(value, choices, 0.4) if isinstance(value, str) else None


def _replacement(spots: list[Spot], value: Any) -> tuple[Write | None, KeyPath | None]:
    """A value that fits, made from the given one if that can be; else the default or an example.

    If an item of a list can only be replaced by nothing known, the list is replaced.
    """
    for spot in reversed(spots):
        for candidate in _candidates(spot, value if spot is spots[-1] else None):
            if _fits(candidate, spot.annotation):
                return Write(candidate), spot.path
    return None, None


def _candidates(spot: Spot, value: Any) -> Iterator[Any]:
    if value is not None:
        guesses = list(_guesses(spot, value))
        yield from guesses
        yield from ([guess] for guess in guesses if not isinstance(guess, list))
    if spot.field is not None and not spot.field.is_required():
        default = spot.field.get_default(call_default_factory=True)
        yield default.model_dump(mode="json") if isinstance(default, BaseModel) else default
    yield from example(spot.address)


def _guesses(spot: Spot, value: Any) -> Iterator[Any]:
    """What the given value was probably meant to be."""
    import yaml

    near = _nearest_choice(spot, value)
    if near is not None:
        yield near
    if isinstance(value, str):
        with suppress(yaml.YAMLError):  # text that is no YAML is no number either
            yield yaml.safe_load(value)
    elif not isinstance(value, bool | Mapping | list):
        yield str(value)
    if isinstance(value, float) and value.is_integer():
        yield int(value)
    yield value


def _fits(candidate: Any, annotation: Any) -> bool:
    if annotation is None or candidate is None:
        return annotation is not None and describe(annotation).endswith(", or null")
    try:
        TypeAdapter(annotation).validate_python(candidate, strict=True)
    except ValidationError:
        return False
    return True


def _value(raw: Any, path: KeyPath) -> Any:
    for part in path:
        raw = raw[part]
    return raw
