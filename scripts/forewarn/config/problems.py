"""Problems of a configuration, each with the correction, and how they are told."""

from __future__ import annotations

import copy
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from forewarn.config.emit import KeyPath, to_yaml
from forewarn.config.names import corrected_name

LONGEST_SNIPPET = 14
"""Lines of corrected YAML that are shown; a longer section is cut after them."""


@dataclass(frozen=True)
class Write:
    """Correction: write `value` at a key."""

    value: Any


@dataclass(frozen=True)
class Rename:
    """Correction: give the key another name."""

    name: str


@dataclass(frozen=True)
class Remove:
    """Correction: leave the key out."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong at one key.

    Args:
        path: keys and list indices from the top of the configuration.
        expected: what can stand there, in words.
        found: what stands there, in words.
        nearest: the valid name that was probably meant.
        correction: what to do about it, if there is something certain enough.
        spot: where the correction applies, if elsewhere than at `path`.
    """

    path: KeyPath
    expected: str
    found: str
    nearest: str | None = None
    correction: Write | Rename | Remove | None = None
    spot: KeyPath | None = None

    @property
    def place(self) -> KeyPath:
        """Where the correction applies."""
        return self.path if self.spot is None else self.spot

    def __str__(self) -> str:
        """In one line, for an error that has no room for more."""
        return f"{key_path(self.path)}: expected {self.expected}, found {self.found}"


def key_path(path: Iterable[str | int]) -> str:
    """The path as people write it, e.g. `studies.nano.organisms[0].dataset`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if re.fullmatch(r"[\w-]+", part) else f'."{part}"'
    return text.removeprefix(".") or "the top level"


def tell(problem: Problem, place: KeyPath, corrected: dict[str, Any]) -> str:
    """A paragraph: the key path, what was expected and found, and the corrected YAML.

    Args:
        problem: what is wrong.
        place: where its correction stands in `corrected`, after keys have been renamed.
        corrected: the configuration with the corrections of all problems, so that pasting all is right.
    """
    rows = {"expected": problem.expected, "found": problem.found, "nearest": problem.nearest}
    lines = [key_path(problem.path)]
    for title, text in rows.items():
        if text is not None:
            lines += textwrap.wrap(
                f"{title + ':':<9} {text}",
                width=100,
                initial_indent="  ",
                subsequent_indent=" " * 12,
                break_on_hyphens=False,
                break_long_words=False,
            )
    if problem.correction is not None and place:
        removed = isinstance(problem.correction, Remove)
        snippet = to_yaml(_outline(corrected, place[:-1] if removed else place)).splitlines()
        if removed and len(snippet) > LONGEST_SNIPPET:
            return "\n".join([*lines, f"  corrected: the same without {place[-1]}"])
        lines.append(f"  corrected, without {place[-1]}:" if removed else "  corrected:")
        lines += [f"    {line}" for line in _shortened(snippet)]
    return "\n".join(lines)


def moved(place: KeyPath, renamed: dict[KeyPath, str]) -> KeyPath:
    """`place` after keys on its way have been renamed."""
    return tuple(renamed.get(place[: end + 1], part) for end, part in enumerate(place))


def correct(problems: list[Problem], raw: dict[str, Any]) -> tuple[dict[str, Any], dict[KeyPath, str]]:
    """A copy of `raw` with all corrections made, and the renamed paths with their new names."""
    tree = copy.deepcopy(raw)
    renamed: dict[KeyPath, str] = {}
    # Values first, and deeper keys before the ones above them: paths are those of `raw`.
    for kind in (Write, Remove, Rename):
        for problem in sorted(problems, key=lambda problem: -len(problem.place)):
            if problem.place and isinstance(problem.correction, kind):
                _apply(problem, tree, renamed)
    return tree, renamed


def _apply(problem: Problem, tree: dict[str, Any], renamed: dict[KeyPath, str]) -> None:
    *above, key = problem.place
    parent: Any = tree
    for part in above:
        try:
            parent = parent[part]
        except (LookupError, TypeError):
            return  # another correction has replaced what was here
    if isinstance(parent, list):
        if isinstance(problem.correction, Write):
            parent[int(key)] = copy.deepcopy(problem.correction.value)
    elif isinstance(parent, dict):
        _apply_to_section(problem, str(key), parent, renamed)


def _apply_to_section(
    problem: Problem, key: str, parent: dict[str, Any], renamed: dict[KeyPath, str]
) -> None:
    match problem.correction:
        case Write(value):
            parent[key] = copy.deepcopy(value)
        case Remove():
            parent.pop(key, None)
        case Rename(name):
            taken = [other for other in parent if other != key]
            name = corrected_name(name, taken) if name in taken else name
            items = [(name if other == key else other, item) for other, item in parent.items()]
            parent.clear()
            parent.update(items)
            renamed[problem.place] = name


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= LONGEST_SNIPPET:
        return lines
    indent = " " * (len(lines[LONGEST_SNIPPET]) - len(lines[LONGEST_SNIPPET].lstrip()))
    return [*lines[:LONGEST_SNIPPET], f"{indent}# ... and the rest as it stands"]


def _outline(tree: Any, path: KeyPath) -> Any:
    """The part of `tree` at `path` under its keys; of a list, the whole list."""
    if not path or not isinstance(tree, dict) or path[0] not in tree:
        return tree
    return {path[0]: _outline(tree[path[0]], path[1:])}
