"""Artifacts are whole or absent, and equal content gives equal bytes."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forewarn.errors import StudyError
from forewarn.files import digest, read_json, read_table, replacing, write_json, write_table


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("boom")
    assert read_json(path) == {"old": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_full_disk_is_one_clear_error(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StudyError, match=r"a\.json could not be written: No space left"):
        write_json(path, {"new": 2})
    assert read_json(path) == {"old": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_one_clear_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StudyError, match="could not be written"):
        write_json(tmp_path / "a.json", {})


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path):
    (tmp_path / "results").write_text("not a folder")
    with pytest.raises(StudyError, match="could not be written"):
        write_json(tmp_path / "results" / "a.json", {})


def test_numbers_that_are_no_numbers_become_null(tmp_path):
    write_json(tmp_path / "a.json", {"a": float("nan"), "b": [float("inf"), 1.5], "c": (1, 2)})
    assert read_json(tmp_path / "a.json") == {"a": None, "b": [None, 1.5], "c": [1, 2]}


def test_tables_have_equal_bytes_for_equal_content(tmp_path):
    table = pa.table(
        {"a": pa.array([1, 2], pa.int32()), "b": pa.array([[0.5], [1.5]], pa.list_(pa.float32(), 1))}
    )
    write_table(tmp_path / "one.parquet", table)
    write_table(tmp_path / "two.parquet", table.replace_schema_metadata({"when": "now"}))
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert read_table(tmp_path / "one.parquet").equals(table)


def test_artifacts_are_as_readable_as_any_file(tmp_path):
    torch = pytest.importorskip("torch")
    from forewarn.files import write_tensors

    write_tensors(tmp_path / "tensors.safetensors", {"a": torch.zeros(1)})
    (tmp_path / "any").touch()
    assert (tmp_path / "tensors.safetensors").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_tensors_survive_and_have_equal_bytes(tmp_path):
    torch = pytest.importorskip("torch")
    from forewarn.files import read_tensors, write_tensors

    tensors = {"b": torch.arange(6).view(2, 3).T, "a": torch.tensor([1.0])}
    write_tensors(tmp_path / "one.safetensors", tensors, note="x")
    write_tensors(tmp_path / "two.safetensors", dict(reversed(tensors.items())), note="x")
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    assert np.array_equal(read_tensors(tmp_path / "one.safetensors")["b"], tensors["b"])


@given(st.dictionaries(st.text(), st.integers() | st.floats(allow_nan=False) | st.text() | st.none()))
def test_a_digest_ignores_the_order_of_keys(content):
    assert digest(content) == digest(dict(reversed(content.items())))
    assert digest(content) == digest(json.loads(json.dumps(content)))
    assert digest(content) != digest({**content, "one more key than before": 1})


def test_parent_folders_are_made(tmp_path: Path):
    write_json(tmp_path / "a" / "b" / "c.json", {})
    assert (tmp_path / "a" / "b" / "c.json").is_file()
