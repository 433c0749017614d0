"""The study that travels with the repository: a DVC remote inside it, small, and changed only by this.

A remote of DVC's is a folder of objects named by their content. The one here is in git, so that whoever
clones the repository can pull the study without an account. What is large and quickly made is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from forewarn.errors import StudyError
from forewarn.ledger.cache import copy_object, object_path
from forewarn.ledger.record import Record

STORE = Path(".dvc/store")
LIMIT = 30 * 10**6
"""Bytes that the store may have: it is in git, where every version of it stays (JSON and SVG in a tenth)."""


@dataclass(frozen=True)
class Difference:
    """What keeps a store from holding a study, and nothing else.

    Attributes:
        lacking: records whose content is not in the store.
        superfluous: objects that no record names.
    """

    lacking: list[Record]
    superfluous: list[Path]

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.lacking or self.superfluous)


def chosen(
    records: Iterable[Record],
    prefix: str,
    without: Sequence[str],
    unread: Sequence[str] = (),
    also: Sequence[str] = (),
) -> list[Record]:
    """The records below a folder, and of all they were made from, that may be published.

    Args:
        records: of all artifacts.
        prefix: path of the folder.
        without: patterns of paths to leave out.
        unread: patterns of inputs; what was made straight from one is left out too, for its text is in it.
        also: patterns of paths elsewhere that go with the folder, but not what they were made from: a table
            of all models is no reason to publish the others. `without` does not concern them.
    """

    def matches(path: str, patterns: Sequence[str]) -> bool:
        return any(fnmatchcase(path, pattern) for pattern in patterns)

    known = {record.path: record for record in records}
    reached = dict.fromkeys(path for path in known if path.startswith(prefix))
    waiting = list(reached)
    while waiting:
        new = [path for path in known[waiting.pop()].making.inputs if path in known and path not in reached]
        reached |= dict.fromkeys(new)
        waiting += new
    reached |= dict.fromkeys(path for path in known if matches(path, also))
    return [
        known[path] for path in reached
        if (matches(path, also) or not matches(path, without))
        and not matches(path, unread)
        and not any(matches(read, unread) for read in known[path].making.inputs)
    ]  # fmt: skip


def compare(records: Sequence[Record], store: Path = STORE) -> Difference:
    """Hold a store against the records of the study that it should have."""
    wanted = {object_path(record.md5, store) for record in records}
    there = {path for path in store.rglob("*") if path.is_file()}
    lacking = {object_path(record.md5, store): record for record in records}
    return Difference([lacking[path] for path in sorted(wanted - there)], sorted(there - wanted))


def publish(records: Sequence[Record], store: Path = STORE, limit: int = LIMIT) -> Difference:
    """Bring a store up to date from DVC's cache; say what was changed.

    Raises:
        StudyError: the study is too large for git, or the cache lacks some of it.
    """
    sizes = {record.md5: record.size for record in records}
    if (total := sum(sizes.values())) > limit:
        largest = sorted(records, key=lambda record: record.size, reverse=True)[:5]
        named = ", ".join(f"{record.path} ({record.size / 1e6:.1f} MB)" for record in largest)
        raise StudyError(
            f"the study has {total / 1e6:.1f} MB, the limit in git is {limit / 1e6:.0f} MB; largest: {named}",
            "leave some out with --without PATTERN: whoever pulls can make them anew",
        )
    difference = compare(records, store)
    for record in difference.lacking:
        if not object_path(record.md5).exists():
            raise StudyError(
                f"the content of {record.path} is not in DVC's cache", "`dvc pull` it, or run the study again"
            )
    for record in difference.lacking:
        copy_object(object_path(record.md5), object_path(record.md5, store))
    for path in difference.superfluous:
        path.unlink()
    return difference
