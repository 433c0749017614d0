"""What all sections of the configuration share: strictness, number types, and errors with a correction."""

from __future__ import annotations

import re
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

CONFLICT = "conflict"
"""Type of the errors that come from rules between keys; see `conflict`."""


class Section(BaseModel):
    """A section of the configuration: immutable, strict about types, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


def _scientific(value: Any) -> Any:
    """YAML 1.1 takes `1e-3` (without a point) for text; people mean the number."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+", value):
        return float(value)
    return value


_FROM_TEXT = BeforeValidator(_scientific)
Number = Annotated[float, _FROM_TEXT]
Positive = Annotated[float, Gt(0), _FROM_TEXT]
NotNegative = Annotated[float, Ge(0), _FROM_TEXT]
Share = Annotated[float, Ge(0), Le(1), _FROM_TEXT]
ProperShare = Annotated[float, Ge(0), Lt(1), _FROM_TEXT]
"""A share that must leave something over, e.g. of dropped activations."""
Rate = Annotated[float, Gt(0), Lt(1), _FROM_TEXT]
Confidence = Annotated[float, Gt(0), Lt(1), _FROM_TEXT]
LearningRate = Annotated[float, Gt(0), Le(1), _FROM_TEXT]
Score = Annotated[float, Ge(0), Le(100), _FROM_TEXT]
Count = Annotated[int, Ge(1)]
CountOrNone = Annotated[int, Ge(0)]
"""A count that may be zero."""
Seed = Annotated[int, Ge(0), Le(2**31 - 1)]
Layer = Annotated[int, Ge(0)]
"""Index of a transformer block, from 0."""
HubName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)?$")]
"""A repository of the Hugging Face hub, owner/name."""
Revision = Annotated[str, Field(min_length=1)]
"""A commit, tag or branch."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Url = Annotated[str, Field(pattern=r"^(https?|file)://\S+$")]


def conflict(expected: str, found: str, **correction: Any) -> PydanticCustomError:
    """An error about keys of one section that do not fit together.

    Args:
        expected: what would fit.
        found: what was given.
        correction: keys of this section and the values that would fit; the first one is blamed.
    """
    context = {"expected": expected, "found": found, "correction": correction}
    return PydanticCustomError(CONFLICT, "expected {expected}, found {found}", context)
