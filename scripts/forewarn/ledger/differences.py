"""What differs between a record and the present, in named values."""

from __future__ import annotations

from typing import Any

from forewarn.ledger.present import Present
from forewarn.ledger.record import Making

ABSENT = "(absent)"


def changed_values(old: Any, new: Any, name: str = "") -> dict[str, tuple[Any, Any]]:
    """Values that differ between two JSON values: dotted name to old and new, or `(absent)`."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = {}
        for key in [*old, *(key for key in new if key not in old)]:
            inner = f"{name}.{key}" if name else key
            found.update(changed_values(old.get(key, ABSENT), new.get(key, ABSENT), inner))
        return found
    return {} if old == new and type(old) is type(new) else {name: (old, new)}


def reasons(making: Making, now: Present | None) -> list[str]:
    """Why a job would run again, as far as it is its own doing: rule, parameters, code, set of inputs.

    Args:
        making: how its outputs were made.
        now: how they would be made today; None if no rule makes them.
    """
    if now is None:
        return ["no rule makes it any more"]
    found = []
    if making.rule != now.rule:
        found.append(f"rule: {making.rule} -> {now.rule}")
    for name, (old, new) in changed_values(making.params, now.params).items():
        found.append(f"{name}: {old} -> {new}")
    for path in sorted({*making.code, *now.code}):
        if path not in making.code:
            found.append(f"module {path} is new")
        elif path not in now.code:
            found.append(f"module {path} is no longer imported")
        elif making.code[path] != now.code[path]:
            found.append(f"module {path} changed")
    for path in sorted({*making.inputs} ^ {*now.inputs}):
        found.append(f"input {path} is {'no longer read' if path in making.inputs else 'new'}")
    return found
