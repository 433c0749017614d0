"""Everything that is wrong with a configuration, in one message."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from forewarn.config.emit import KeyPath
from forewarn.config.model import Configuration
from forewarn.config.problems import Problem, correct, moved, tell
from forewarn.config.references import reference_problems
from forewarn.config.translate import problems_of
from forewarn.errors import StudyError

ROUNDS = 5
"""Corrections bring out problems that hid behind others; so many times the result is looked at again."""


def explain(raw: dict[str, Any], source: str) -> StudyError:
    """The error that tells every problem of `raw` and shows the corrected YAML of each.

    Some rules can only be looked at when others hold (an adapter with a misspelt key has no duration to
    judge). So the corrections are made, and their result is looked at again, until nothing is wrong.
    """
    told: list[Problem] = []
    places: list[KeyPath] = []
    corrected = raw
    for _ in range(ROUNDS):
        problems = find_problems(corrected)
        # What is wrong where a correction has been made is no fault of the user's.
        told += (
            new := [problem for problem in problems if not any(_meet(problem.path, at) for at in places)]
        )
        before, (corrected, renamed) = corrected, correct(problems, corrected)
        places = [moved(place, renamed) for place in (*places, *(problem.place for problem in new))]
        if corrected == before:
            break
    order = sorted(range(len(told)), key=lambda index: _position(told[index].path, raw))
    paragraphs = [tell(told[index], places[index], corrected) for index in order]
    count = f"{len(told)} problems" if len(told) > 1 else "a problem"
    return StudyError(
        f"{source} has {count}:\n\n" + "\n\n".join(paragraphs) + "\n",
        f"write the corrected lines into {source}; scripts/forewarn/config/schema.json explains every key",
    )


def find_problems(raw: dict[str, Any]) -> list[Problem]:
    """What can be seen to be wrong at once; one problem per key path, empty if `raw` is valid."""
    try:
        Configuration.model_validate(raw)
    except ValidationError as error:
        dangling = {problem.path: problem for problem in reference_problems(raw)}
        others = [problem for problem in problems_of(error, raw) if problem.path not in dangling]
        return [*others, *dangling.values()]
    return []


def _meet(one: KeyPath, other: KeyPath) -> bool:
    """Whether one of the two places is the other, or within it."""
    return all(a == b for a, b in zip(one, other, strict=False))


def _position(path: KeyPath, tree: Any) -> list[int]:
    """Where in the file it is, for sorting; what is missing comes last in its section."""
    position: list[int] = []
    for part in path:
        if isinstance(tree, dict):
            position.append(list(tree).index(part) if part in tree else len(tree))
            tree = tree.get(part)
        else:
            position.append(part if isinstance(part, int) else 0)
            tree = (
                tree[part] if isinstance(tree, list) and isinstance(part, int) and part < len(tree) else None
            )
    return position
