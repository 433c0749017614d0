"""Tables of what is read of a response after some of its tokens, and of what text is visible then.

One row per response and number of tokens t. At t = 0 stands the last prompt token, as read in the response's
own forward pass, so that the data themselves show that a prompt's responses share it; from t = 1 on the mean
over the first t tokens of the response, or over all of them where it is shorter. An empty response has a row
at t = 0 only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.geometry.activations import Key, layers_of
from forewarn.statistics.tables import open_parquet, read_columns, refuse_duplicates, strings

_AGAIN = "delete the file and run again, so that the stage that writes it makes it anew"
PREFIX = pa.schema(
    [
        pa.field("question_id", pa.string()),
        pa.field("sample", pa.int32()),
        pa.field("t", pa.int32()),
        pa.field("tokens", pa.int32()),
        pa.field("text", pa.string()),
    ]
)
"""The columns before `layer_NN`: `tokens` is how many of the response were read, at most t; `text` is what
of the response is visible then, "" at t = 0."""
_KEYS = pa.schema([field.with_nullable(False) for field in PREFIX])


def prefix_schema(layers: list[int], width: int) -> pa.Schema:
    """Schema of a table with one column per layer: fixed_size_list<float32>[width]."""
    vectors = [pa.field(f"layer_{layer:02d}", pa.list_(pa.float32(), width)) for layer in layers]
    return pa.schema([*PREFIX, *vectors])


@dataclass(frozen=True)
class Prefixes:
    """The responses of a table that have tokens, each read after the same numbers of tokens.

    Attributes:
        path: of the table.
        layers: indices of the layers whose vectors stand side by side in a reading, ascending.
        keys: (question_id, sample) of each response.
        steps: numbers of tokens, ascending, from 0.
        tokens: int64 [steps, responses], how many were read.
        texts: str [steps, responses], what of the response is visible.
        empty: (question_id, sample) of the responses without tokens.
        rows: int64 [steps, responses], row of the table.
    """

    path: Path
    layers: tuple[int, ...]
    keys: tuple[Key, ...]
    steps: tuple[int, ...]
    tokens: NDArray[np.int64]
    texts: NDArray[Any]
    empty: tuple[Key, ...]
    rows: NDArray[np.int64]

    def readings(self, step: int) -> NDArray[np.float32]:
        """What is read after `steps[step]` tokens: float32 [responses, layers x width].

        The table is read group by group of its rows, for at 1,536 dimensions eight steps of 50,000 responses
        are 2.5 GB.

        Raises:
            StudyError: a value is missing or not finite, or layers are no lists of float32.
        """
        found = np.concatenate([self._layer(layer, self.rows[step]) for layer in self.layers], axis=1)
        if not np.isfinite(found).all():
            raise StudyError(
                f"{self.path} has values that are missing or not finite, after {self.steps[step]} tokens",
                "a model in float16 overflows easily: collect them in bfloat16 or float32",
            )
        return found

    def _layer(self, layer: int, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        file, name = open_parquet(self.path), f"layer_{layer:02d}"
        kind = file.schema_arrow.field(name).type
        if not pa.types.is_fixed_size_list(kind) or kind.value_type != pa.float32():
            raise StudyError(
                f"{self.path}: column {name!r} should hold fixed-size lists of float32 and is {kind}", _AGAIN
            )
        found = np.full((len(rows), kind.list_size), np.nan, dtype=np.float32)
        start = 0
        for group in range(file.num_row_groups):
            column = file.read_row_group(group, columns=[name]).column(0).combine_chunks()
            here = np.flatnonzero((rows >= start) & (rows < start + len(column)))
            taken = column.take(pa.array(rows[here] - start))
            if not taken.null_count:
                found[here] = taken.flatten().to_numpy(zero_copy_only=False).reshape(len(here), -1)
            start += len(column)
        return found


def read_prefixes(path: Path, layers: list[int] | None = None) -> Prefixes:
    """Read the keys and texts of a table; the vectors are read when they are asked for.

    Args:
        path: the table.
        layers: which to read; all that it holds for None.

    Raises:
        StudyError: the file cannot be read, lacks a column or layer, or a response lacks the row of some t or
            has it twice.
    """
    held = layers_of(path)
    wanted = sorted(held if layers is None else layers)
    if absent := [layer for layer in wanted if layer not in held]:
        raise StudyError(f"{path} holds layers {list(held)}, not {absent[0]}", "name one of these")
    table = read_columns(path, _KEYS)
    keys: list[Key] = list(zip(strings(table, "question_id"), table["sample"].to_pylist(), strict=True))
    steps = table["t"].to_numpy()
    refuse_duplicates(path, list(zip(keys, steps.tolist(), strict=True)), "the row of response and t")
    row = {(key, step): number for number, (key, step) in enumerate(zip(keys, steps.tolist(), strict=True))}
    every = sorted(set(steps.tolist()))
    if not every or every[0] != 0:
        raise StudyError(f"{path} has no row with t = 0, the last prompt token", _AGAIN)
    begun = {key for key, step in row if step > 0}
    found = [key for key in dict.fromkeys(keys) if key in begun]
    for key in found:
        if lacking := [step for step in every if (key, step) not in row]:
            raise StudyError(
                f"{path} has no row of question and sample {key!r} with t = {lacking[0]}", _AGAIN
            )
    rows = np.array([[row[key, step] for key in found] for step in every], dtype=np.int64)
    return Prefixes(
        path=path,
        layers=tuple(wanted),
        keys=tuple(found),
        steps=tuple(every),
        tokens=table["tokens"].to_numpy().astype(np.int64)[rows],
        texts=strings(table, "text")[rows],
        empty=tuple(key for key in dict.fromkeys(keys) if key not in begun),
        rows=rows,
    )
