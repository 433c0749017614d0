"""Parquet tables of earlier stages, read with their promised columns or refused by name."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from forewarn.errors import StudyError

_AGAIN = "delete the file and run again, so that the stage that writes it makes it anew"


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a parquet file, reading nothing but its schema.

    Raises:
        StudyError: there is no such file, or it is no parquet file (e.g. cut short).
    """
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise StudyError(f"{path} cannot be read as parquet: {error}", _AGAIN) from error


def read_columns(path: Path, schema: pa.Schema) -> pa.Table:
    """Read the columns of `schema`, cast to its types; other columns of the file are left alone.

    Raises:
        StudyError: the file cannot be read, lacks a column, has one of another type, or has a null in a
            column that `schema` declares not nullable.
    """
    file = open_parquet(path)
    missing = [name for name in schema.names if name not in file.schema_arrow.names]
    if missing:
        near = difflib.get_close_matches(missing[0], file.schema_arrow.names, n=1)
        hint = f" (the nearest is {near[0]!r})" if near else ""
        raise StudyError(f"{path} has no column {missing[0]!r}{hint}", _AGAIN)
    try:
        table = file.read(columns=schema.names)
    except (OSError, pa.ArrowException) as error:
        raise StudyError(f"{path} cannot be read to its end: {error}", _AGAIN) from error
    columns = []
    for field in schema:
        column = table.column(field.name)
        try:
            column = column.cast(field.type)
        except pa.ArrowException as error:
            raise StudyError(
                f"{path}: column {field.name!r} should be {field.type} and is {column.type}", _AGAIN
            ) from error
        if column.null_count and not field.nullable:
            raise StudyError(f"{path}: column {field.name!r} has {column.null_count} empty values", _AGAIN)
        columns.append(column)
    return pa.table(columns, schema=schema)


def strings(table: pa.Table, column: str) -> NDArray[Any]:
    """A string column as a numpy array of str objects, which `np.unique` and `==` understand."""
    return np.array(table.column(column).to_pylist(), dtype=object)


def refuse_duplicates(path: Path | str, keys: list[Any], what: str) -> None:
    """Raise a StudyError that names the first key that stands in `keys` twice."""
    seen = set()
    for key in keys:
        if key in seen:
            raise StudyError(f"{path} holds {what} {key!r} twice", _AGAIN)
        seen.add(key)
