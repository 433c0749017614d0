"""Facts about files hold as long as the files do."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forewarn.ledger import index as ledger_index
from forewarn.ledger.index import Index


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"one")
    return path


def read_once(index: Index, path: Path) -> tuple[str, bool]:
    """The fact, and whether the file was read for it."""
    reads = []
    fact = index.fact("text", path, lambda path: reads.append(path) or path.read_text())
    return fact, bool(reads)


def test_a_file_is_read_once(tmp_path, file):
    with Index(tmp_path / "index") as index:
        assert read_once(index, file) == ("one", True)
        assert read_once(index, file) == ("one", False)
    with Index(tmp_path / "index") as index:
        assert read_once(index, file) == ("one", False)


def test_the_same_size_inode_and_time_do_not_hide_a_change(tmp_path, file):
    with Index(tmp_path / "index") as index:
        read_once(index, file)
        before = file.stat()
        file.write_bytes(b"two")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        after = file.stat()
        assert (after.st_size, after.st_ino, after.st_mtime_ns) == (
            before.st_size, before.st_ino, before.st_mtime_ns
        )  # fmt: skip
        assert read_once(index, file) == ("two", True)


def test_files_that_change_places_are_read_again(tmp_path, file):
    other, aside = tmp_path / "other", tmp_path / "aside"
    other.write_bytes(b"two")
    with Index(tmp_path / "index") as index:
        assert (index.md5(file), index.md5(other)) == (md5(b"one"), md5(b"two"))
        file.rename(aside)
        other.rename(file)
        aside.rename(other)
        assert (index.md5(file), index.md5(other)) == (md5(b"two"), md5(b"one"))


def test_a_time_that_is_set_is_no_change(tmp_path, file, monkeypatch):
    with Index(tmp_path / "index") as index:
        index.md5(file)
        os.utime(file, ns=(0, 0))
        index.moved_in_time(file)
        monkeypatch.setattr(ledger_index, "_md5", None)  # to read it now would fail
        assert index.md5(file) == md5(b"one")


def test_a_torn_index_is_made_anew(tmp_path, file):
    path = tmp_path / "index"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("select * from facts")
    with Index(path) as index:
        assert index.md5(file) == md5(b"one")


@settings(max_examples=25, deadline=None)
@given(contents=st.lists(st.binary(max_size=3), min_size=1, max_size=6))
def test_whatever_is_written_when_the_hash_is_that_of_the_content(tmp_path_factory, contents):
    folder = tmp_path_factory.mktemp("files")
    with Index(folder / "index") as index:
        for content in contents:
            (folder / "file").write_bytes(content)
            assert index.md5(folder / "file") == md5(content)


def learn(folder: Path, number: int) -> None:
    with Index(folder / "index") as index:
        index.md5(folder / f"file{number}")


def test_many_processes_learn_side_by_side(tmp_path):
    for number in range(16):
        (tmp_path / f"file{number}").write_bytes(bytes([number]))
    with ProcessPoolExecutor(8) as processes:
        list(processes.map(learn, [tmp_path] * 16, range(16)))
    with Index(tmp_path / "index") as index:
        assert len(index._known) == 16


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()
