"""Read a YAML file, with an error that shows the line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from forewarn.errors import StudyError


class _Loader(yaml.SafeLoader):
    """Plain YAML without repeated keys (which YAML readers drop silently) and without cycles."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"the key {key.value} stands here again, after line {lines[key.value]}",
                    key.start_mark,
                )
            lines[key.value] = line
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=True)
        return mapping

    def whole_mapping(self, node: yaml.MappingNode) -> dict[Any, Any]:
        return self.construct_mapping(node)

    def whole_list(self, node: yaml.SequenceNode) -> list[Any]:
        items: list[Any] = self.construct_sequence(node, deep=True)
        return items


# At once instead of lazily: then a node that contains itself is an error.
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.whole_mapping)
_Loader.add_constructor("tag:yaml.org,2002:seq", _Loader.whole_list)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping.

    Raises:
        StudyError: the file is missing, unreadable, not UTF-8, not YAML (with line and column), repeats
            a key, or holds something else than a mapping.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise StudyError(f"{path} does not exist", "check the path, and the folder you are in") from None
    except OSError as error:
        raise StudyError(
            f"{path} cannot be read: {error.strerror}", "check the path and its permissions"
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise StudyError(
            f"{path}, line {line}: the byte 0x{error.object[error.start]:02x} is not UTF-8",
            "save the file with the encoding UTF-8",
        ) from None
    try:
        content = yaml.load(text, Loader=_Loader)  # a SafeLoader
    except yaml.YAMLError as error:
        raise _explained(error, path, text) from None
    if not isinstance(content, dict):
        kind = "nothing" if content is None else "a list" if isinstance(content, list) else "a single value"
        raise StudyError(
            f"{path} holds {kind} instead of `key: value` lines", "start it with a key, e.g. `models:`"
        )
    return content


def _explained(error: yaml.YAMLError, path: str | Path, text: str) -> StudyError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:  # a character that YAML does not allow
        at = getattr(error, "position", 0)
        line, column = text[:at].count("\n"), at - (text[:at].rfind("\n") + 1)
        what = "a control character, which YAML does not allow"
    else:
        line, column = mark.line, mark.column
        what = str(getattr(error, "problem", None) or "this is not YAML")
    lines = text.splitlines() or [""]
    shown = lines[min(line, len(lines) - 1)].expandtabs(1)
    way_out = "leave one of the two out" if "stands here again" in what else _advice(shown, text, line)
    return StudyError(
        f"{path}, line {line + 1}, column {column + 1}: {what}\n    {shown}\n    {' ' * column}^", way_out
    )


def _advice(shown: str, text: str, line: int) -> str:
    original = (text.splitlines() or [""])[min(line, len(text.splitlines() or [""]) - 1)]
    if "\t" in original:
        return "indent with spaces; YAML does not allow tabs there"
    if ": " in shown.strip().partition(": ")[2]:
        return "put text that contains a colon in quotes, and each key on its own line"
    return "correct that line, or the one above it: brackets, quotes, indentation, the space after a colon"
