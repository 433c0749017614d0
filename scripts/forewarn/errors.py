"""The one kind of error that a user is meant to read.

Everything that can go wrong because of an input (a key, a row, a file, a folder) is a `StudyError`.
It names the thing, says what was expected and found, and shows the way out. It is printed without a
traceback; any other exception is a bug of ours and keeps its traceback.
"""

from __future__ import annotations


class StudyError(Exception):
    """An input that cannot be used.

    Args:
        what: the thing and what is wrong with it, in one sentence, with its file, line or key.
        way_out: what the user can do about it.
    """

    def __init__(self, what: str, way_out: str) -> None:
        super().__init__(f"{what}\n  Way out: {way_out}")
        self.what = what
        self.way_out = way_out
