"""Logs are shared with results; what is private stays out of them.

Values of environment variables that hold keys, and the paths of this machine's user, are replaced in every
line before it is written, whoever wrote it: a library's warning and a traceback pass through here as well.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path

SECRET = re.compile(r"(TOKEN|KEY|PASSWORD|PASSWD|SECRET|CREDENTIALS?)$", re.IGNORECASE)
SHORTEST = 8
"""Characters of a value that is taken for a secret; shorter ones would blacken ordinary words."""


class Discreet(logging.Formatter):
    """A formatter that replaces what `replacements` found."""

    def format(self, record: logging.LogRecord) -> str:
        """The line as it may be shown."""
        return redacted(super().format(record), replacements())


def redacted(text: str, known: Mapping[str, str]) -> str:
    """A text with each of the known strings replaced."""
    for private, shown in known.items():
        text = text.replace(private, shown)
    return text


def replacements(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What is private -> what to show in its place; longest first.

    Args:
        environment: environment variables; this process' own by default.
    """
    variables = os.environ if environment is None else environment
    found = {
        value: f"<{name}>"
        for name, value in variables.items()
        if SECRET.search(name) and len(value) >= SHORTEST
    }
    for path, shown in ((Path.cwd(), "."), (Path.home(), "~")):
        if path != Path(path.anchor):
            found[str(path)] = shown
    return dict(sorted(found.items(), key=lambda item: len(item[0]), reverse=True))
