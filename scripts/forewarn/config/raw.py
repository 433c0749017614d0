"""Reading plain mappings that may have any shape, as YAML gives them before they are validated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def get(mapping: Any, key: str) -> Any:
    """The value of a key; None of what is no mapping."""
    return mapping.get(key) if isinstance(mapping, Mapping) else None


def mapping_at(mapping: Any, key: str) -> Mapping[str, Any]:
    """The mapping under a key; an empty one if there is none."""
    inner = get(mapping, key)
    return inner if isinstance(inner, Mapping) else {}


def items(mapping: Any, key: str) -> list[tuple[int, Mapping[str, Any]]]:
    """The mappings in the list under a key, each with its index."""
    entries = get(mapping, key)
    return [
        (i, e) for i, e in enumerate(entries if isinstance(entries, list) else []) if isinstance(e, Mapping)
    ]


def is_int(value: Any) -> bool:
    """Whether a value is an integer, and not a truth value."""
    return isinstance(value, int) and not isinstance(value, bool)


def listed(names: Iterable[Any], most: int = 12) -> str:
    """Names as a text, the first `most` of them."""
    names = [str(name) for name in names]
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more or "none yet"
