"""Activation tables: resid_post of some layers, one row per prompt and one per response.

A table is read one layer at a time wherever that is enough: at 5,120 dimensions and 48 layers, a thousand
rows of all layers are a gigabyte, and of one layer 20 MB.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.statistics.tables import open_parquet, read_columns, refuse_duplicates

LAST_PROMPT_TOKEN = "last_prompt_token"
ANSWER_MEAN = "answer_mean"
_LAYER = re.compile(r"layer_(\d+)")
_KEYS = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("sample", pa.int32(), nullable=False),
        pa.field("position", pa.string(), nullable=False),
        pa.field("n_tokens", pa.int32(), nullable=False),
    ]
)

Key = tuple[str, int]  # question_id and sample; the sample of a prompt is -1


@dataclass(frozen=True)
class Activations:
    """Rows of one position.

    Attributes:
        path: of the table.
        position: "last_prompt_token" or "answer_mean".
        layers: indices of the blocks, ascending.
        keys: (question_id, sample) of each row.
        vectors: float32 [rows, layers, d_model].
    """

    path: Path
    position: str
    layers: tuple[int, ...]
    keys: tuple[Key, ...]
    vectors: NDArray[np.float32]

    def at(self, keys: list[Key]) -> NDArray[np.float32]:
        """The vectors of these rows, in this order: float32 [keys, layers, d_model].

        Raises:
            StudyError: the table has no row of one of the keys.
        """
        row = {key: index for index, key in enumerate(self.keys)}
        absent = [key for key in keys if key not in row]
        if absent:
            question, sample = absent[0]
            raise StudyError(
                f"{self.path} has no {self.position} row of question {question!r}, sample {sample} "
                f"({len(absent)} of {len(keys)} rows are missing)",
                "collect the activations again over these questions and generations",
            )
        return self.vectors[[row[key] for key in keys]]


def layers_of(path: Path) -> tuple[int, ...]:
    """Indices of the layers that a table holds, ascending.

    Raises:
        StudyError: the file cannot be read, or has no layer column.
    """
    names = open_parquet(path).schema_arrow.names
    layers = sorted(int(match[1]) for match in map(_LAYER.fullmatch, names) if match)
    if not layers:
        raise StudyError(f"{path} has no column layer_00, layer_01, ...", "collect the activations again")
    return tuple(layers)


def read_activations(path: Path, position: str, layers: list[int] | None = None) -> Activations:
    """Read the rows of one position, of some layers or all.

    An answer without tokens has no mean, so rows with `n_tokens` 0 are left out.

    Raises:
        StudyError: the file cannot be read, lacks a column, holds a key twice, or a vector has missing
            values or values that are not finite.
    """
    held = layers_of(path)
    wanted = sorted(held if layers is None else layers)
    keys = read_columns(path, _KEYS)
    chosen = np.array(
        [
            where == position and tokens > 0
            for where, tokens in zip(
                keys.column("position").to_pylist(), keys.column("n_tokens").to_pylist(), strict=True
            )
        ],
        dtype=bool,
    )
    names = keys.column("question_id").to_pylist()
    samples = keys.column("sample").to_pylist()
    rows = [(names[row], samples[row]) for row in np.flatnonzero(chosen)]
    refuse_duplicates(path, rows, f"the {position} row of question and sample")
    columns = [_layer(path, held, layer, chosen) for layer in wanted]
    sizes = {column.shape[1] for column in columns}
    if len(sizes) > 1:
        raise StudyError(f"{path}: its layers have different widths {sorted(sizes)}", "collect them again")
    return Activations(path, position, tuple(wanted), tuple(rows), np.stack(columns, axis=1))


def _layer(path: Path, held: tuple[int, ...], layer: int, chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    if layer not in held:
        raise StudyError(
            f"{path} holds layers {list(held)}, not {layer}", "add it to the activations' layers"
        )
    name = next(
        n for n in open_parquet(path).schema_arrow.names if n in (f"layer_{layer:02d}", f"layer_{layer}")
    )
    column = pq.read_table(path, columns=[name]).column(name).combine_chunks()
    if not pa.types.is_fixed_size_list(column.type) or column.type.value_type != pa.float32():
        raise StudyError(
            f"{path}: column {name!r} should hold fixed-size lists of float32 and is {column.type}",
            "collect the activations again",
        )
    kept = column.filter(pa.array(chosen))
    values: NDArray[Any] = kept.flatten().to_numpy(zero_copy_only=False)
    if kept.null_count or not np.isfinite(values).all():
        raise StudyError(
            f"{path}: column {name!r} has values that are missing or not finite",
            "a model in float16 overflows easily: collect the activations in bfloat16 or float32",
        )
    return values.reshape(-1, column.type.list_size).astype(np.float32, copy=False)
