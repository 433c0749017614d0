"""Names of the study's parts, and the nearest one to a name that does not exist."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

PATTERN = r"^[a-z0-9][a-z0-9_.]*$"
"""A name becomes part of a path, where "-" joins the parts of an organism's name and "/" joins folders."""

RULE = (
    "a name of small letters, digits, '_' and '.', starting with a letter or a digit "
    "('-' and '/' separate the parts of paths)"
)

Name = Annotated[str, Field(pattern=PATTERN)]


def is_name(value: object) -> bool:
    """Whether `value` may name a model, dataset, adapter, question set or judge."""
    return isinstance(value, str) and re.fullmatch(PATTERN.strip("^$"), value) is not None


def corrected_name(value: object, taken: Iterable[str] = ()) -> str:
    """The valid name that looks most like `value` and is not one of `taken`.

    >>> corrected_name("Bad-Medical")
    'bad_medical'
    """
    name = re.sub(r"[^a-z0-9_.]+", "_", str(value).strip().lower()).strip("_.") or "name"
    used = set(taken)
    numbered = (f"{name}_{number}" for number in range(2, len(used) + 3))
    return name if name not in used else next(other for other in numbered if other not in used)


def organism_name(dataset: str, adapter: str, seed: int) -> str:
    """The name of an organism in paths: `{dataset}-{adapter}-seed{seed}`.

    >>> organism_name("bad_medical", "rank8_layer1", 0)
    'bad_medical-rank8_layer1-seed0'
    """
    return f"{dataset}-{adapter}-seed{seed}"


def nearest(value: object, valid: Iterable[str], at_least: float = 0.6) -> str | None:
    """The valid name most similar to `value`, or None if none is `at_least` (0 to 1) similar."""
    matches = difflib.get_close_matches(str(value).lower(), list(valid), n=1, cutoff=at_least)
    return matches[0] if matches else None
