from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forewarn.errors import StudyError
from forewarn.statistics.tables import read_columns, refuse_duplicates

SCHEMA = pa.schema([pa.field("question_id", pa.string(), nullable=False), pa.field("sample", pa.int32())])


def test_reads_and_casts_what_was_promised(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(
        pa.table({"sample": pa.array([1, None], pa.int64()), "question_id": ["a", "b"], "x": [1, 2]}), path
    )
    table = read_columns(path, SCHEMA)
    assert table.schema == SCHEMA
    assert table.to_pydict() == {"question_id": ["a", "b"], "sample": [1, None]}


def test_a_missing_column_is_named_with_file_and_nearest(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"question": ["a"], "sample": [1]}), path)
    with pytest.raises(
        StudyError, match=r"table\.parquet has no column 'question_id' \(the nearest is 'question'\)"
    ):
        read_columns(path, SCHEMA)


def test_a_column_of_another_type_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"question_id": ["a"], "sample": ["first"]}), path)
    with pytest.raises(StudyError, match="'sample' should be int32 and is string"):
        read_columns(path, SCHEMA)


def test_empty_values_are_refused_where_they_have_no_meaning(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"question_id": ["a", None], "sample": [1, 2]}), path)
    with pytest.raises(StudyError, match="'question_id' has 1 empty values"):
        read_columns(path, SCHEMA)


def test_a_file_cut_short_or_absent_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    with pytest.raises(StudyError, match=r"table\.parquet cannot be read as parquet"):
        read_columns(path, SCHEMA)
    pq.write_table(pa.table({"question_id": ["a"], "sample": [1]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StudyError, match=r"table\.parquet cannot be read as parquet"):
        read_columns(path, SCHEMA)


def test_damage_in_the_middle_is_an_error_too(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    names = [f"question {index * 7919 % 1000}" for index in range(2000)]
    pq.write_table(pa.table({"question_id": names, "sample": list(range(2000))}), path, compression="zstd")
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396
    path.write_bytes(content)
    with pytest.raises(StudyError, match=r"table\.parquet cannot be read to its end"):
        read_columns(path, SCHEMA)


def test_the_first_duplicate_is_named() -> None:
    refuse_duplicates("file", ["a", "b"], "question")
    with pytest.raises(StudyError, match="file holds question 'b' twice"):
        refuse_duplicates("file", ["a", "b", "b", "a"], "question")
