"""What libraries raise over files that they cannot read, told as an error that a user can act on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from forewarn.errors import StudyError


@contextmanager
def told(source: Path, what: str, way_out: str) -> Iterator[None]:
    """Turn what the libraries raise over unreadable or unfitting files into a StudyError."""
    from safetensors import SafetensorError

    try:
        yield
    except Exception as error:
        # tokenizers raises bare `Exception`, which only its exact type tells from a bug of ours.
        expected = (OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError)
        if not isinstance(error, expected) and type(error) is not Exception:
            raise
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise StudyError(f"{what} of {source} cannot be loaded: {reason}", way_out) from error


def some(names: Iterable[str]) -> str:
    """The first few of many names, for an error message."""
    ordered = sorted(names)
    return ", ".join(ordered[:3]) + (f" and {len(ordered) - 3} more" if len(ordered) > 3 else "")
