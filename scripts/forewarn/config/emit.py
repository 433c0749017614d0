"""YAML as people write it: sections as blocks, lists in one line, a comment where one is due."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

KeyPath = tuple[str | int, ...]

LONGEST_VALUE = 88
"""Characters of a list in one line; longer ones get a line per item."""
LONGEST_COMMENTED = 40
"""Characters of a line that takes its comment beside it; longer ones take it above."""


def to_yaml(
    value: Any,
    *,
    comments: Mapping[KeyPath, str] | None = None,
    one_line: frozenset[KeyPath] = frozenset(),
) -> str:
    """Write a mapping as YAML.

    Args:
        value: mappings, lists and scalars.
        comments: a comment for some key paths: beside a short value, above a section or what is long.
        one_line: mappings to write as `{key: value, ...}`; those within lists always are.
    """
    return "\n".join(_block(value, (), comments or {}, one_line)) + "\n"


def inline(value: Any) -> str:
    """`value` in one line of YAML, e.g. `[1, 2]`, `true` or `'007'`."""
    import yaml

    def dump(allow_unicode: bool) -> str:
        text: str = yaml.safe_dump(
            value, default_flow_style=True, sort_keys=False, allow_unicode=allow_unicode, width=math.inf
        )
        return text

    text = dump(True)
    if len(text.splitlines()) > 1 + text.endswith("\n...\n"):  # a line break of Unicode's has to be escaped
        text = dump(False)
    return text.removesuffix("\n").removesuffix("\n...")


def _block(
    value: Any, path: KeyPath, comments: Mapping[KeyPath, str], one_line: frozenset[KeyPath]
) -> list[str]:
    if not isinstance(value, Mapping) or not value:
        return [inline(value)]
    lines: list[str] = []
    beside: dict[int, str] = {}  # index of a line -> the comment beside it
    for key, item in value.items():
        here = (*path, key)
        comment = comments.get(here)
        line = f"{inline(key)}: {inline(item)}"
        inner: list[str] = []
        if isinstance(item, Mapping) and item and here not in one_line:
            inner = _block(item, here, comments, one_line)
        elif isinstance(item, list) and (_holds_sections(item) or len(line) > LONGEST_VALUE):
            inner = [line for entry in item for line in _entry(entry)]
        if comment and (inner or len(line) > LONGEST_COMMENTED):
            lines += [""] if inner and lines else []
            lines.append(f"# {comment}")
        elif comment:
            beside[len(lines)] = comment
        lines += [f"{inline(key)}:", *(f"  {row}" if row else "" for row in inner)] if inner else [line]
    column = max((len(lines[index]) for index in beside), default=0) + 2
    for index, comment in beside.items():
        lines[index] = f"{lines[index]:<{column}}# {comment}"
    return lines


def _entry(entry: Any) -> list[str]:
    """An item of a list: in one line, unless it is a section that is too long for one."""
    line = f"- {inline(entry)}"
    if not isinstance(entry, Mapping) or len(line) <= LONGEST_VALUE:
        return [line]
    keys = [f"{inline(key)}: {inline(value)}" for key, value in entry.items()]
    return [f"{'  ' if index else '- '}{key}" for index, key in enumerate(keys)]


def _holds_sections(items: list[Any]) -> bool:
    return any(isinstance(item, Mapping) for item in items)
