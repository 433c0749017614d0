"""Write config.yaml and its JSON schema from the typed sections.

PYTHONPATH=scripts python -m forewarn.config.generate [--check]
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from pathlib import Path
from typing import Any

from forewarn.config.anatomy import TOP, Spot, strip, tagged
from forewarn.config.default import DEFAULT
from forewarn.config.emit import KeyPath, inline, to_yaml
from forewarn.config.model import Configuration

REPOSITORY = Path(__file__).resolve().parents[3]
SCHEMA = "scripts/forewarn/config/schema.json"
COMMAND = "PYTHONPATH=scripts python -m forewarn.config.generate"
LONGEST_LINE = 100

HEADER = f"""\
# yaml-language-server: $schema={SCHEMA}
#
# The study that comes with Forewarn. The schema above explains every key, with type and bounds;
# editors show it. What is left out here has its default there.
"""


def files() -> dict[str, str]:
    """Content of the generated files by their path in the repository."""
    return {"config.yaml": configuration_yaml(), SCHEMA: schema_json()}


def schema_json() -> str:
    """JSON schema of the configuration, for editors."""
    return json.dumps(Configuration.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def configuration_yaml() -> str:
    """The default study as YAML; a key is explained where it stands first."""
    comments: dict[KeyPath, str] = {}
    one_line: set[KeyPath] = set()
    _annotate(DEFAULT, TOP, comments, one_line, set())
    parts = [HEADER]
    for section, content in DEFAULT.items():
        inner = {path: text for path, text in comments.items() if path[0] == section and len(path) > 1}
        text = to_yaml({section: content}, comments=inner, one_line=frozenset(one_line))
        parts.append(_wrapped(Configuration.model_fields[section].description or "") + text)
    return "\n".join(parts)


def drift(repository: Path) -> str:
    """What generating would change, as a diff; empty if nothing."""
    diff: list[str] = []
    for name, wanted in files().items():
        path = repository / name
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        diff += difflib.unified_diff(
            present.splitlines(keepends=True), wanted.splitlines(keepends=True), name, f"{name} (generated)"
        )
    return "".join(diff)


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with --check only compare; the exit status is 1 if they differ."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write config.yaml and its JSON schema.")
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    if parser.parse_args(arguments).check:
        difference = drift(REPOSITORY)
        if difference:
            sys.stderr.write(f"{difference}\nGenerate them again: {COMMAND}\n")
        return int(bool(difference))
    for name, content in files().items():
        (REPOSITORY / name).write_text(content, encoding="utf-8")
    return 0


def _annotate(
    value: Any, spot: Spot, comments: dict[KeyPath, str], one_line: set[KeyPath], explained: set[Any]
) -> None:
    """Collect a comment for each key met for the first time; later sections of its kind get one line."""
    if not isinstance(value, dict):
        return
    while (variants := tagged(spot.annotation)) is not None:
        spot = Spot(spot.path, variants[1][value[variants[0]]], spot.address)
    shape = strip(spot.annotation)[0]
    if shape in explained and len(inline(value)) < LONGEST_LINE - 20:
        one_line.add(spot.path)
        return
    for key, item in value.items():
        below = spot.down(key)
        if below.field is not None and (shape, key) not in explained and spot is not TOP:
            comments[below.path] = _first_sentence(below.field.description or "")
            explained.add((shape, key))
        _annotate(item, below, comments, one_line, explained)
    explained.add(shape)


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].removesuffix(".")


def _wrapped(text: str) -> str:
    import textwrap

    return "".join(f"# {line}\n" for line in textwrap.wrap(text, LONGEST_LINE - 2))


if __name__ == "__main__":
    sys.exit(main())
