"""What a model would say first: the distribution of the next token at the last prompt token.

It stands beside the vectors in the activations over prompts (see `forewarn.models.activations.capture`).
Activations of others may lack it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.geometry.activations import LAST_PROMPT_TOKEN, Key
from forewarn.statistics.tables import open_parquet, read_columns, refuse_duplicates

ENTROPY = "first_token_entropy"
LOG_PROBABILITIES = "first_token_log_probabilities"
COUNT = 20
"""Log-probabilities that are kept of a distribution: the largest."""

FIRST_TOKEN = pa.schema([(ENTROPY, pa.float32()), (LOG_PROBABILITIES, pa.list_(pa.float32(), COUNT))])
"""Columns, null in rows of another position: in nats, and natural logarithms in descending order."""

_KEYS = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("sample", pa.int32(), nullable=False),
        pa.field("position", pa.string(), nullable=False),
    ]
)
_AGAIN = "collect the activations of the prompts again"


def first_token_readings(
    path: Path, keys: list[Key]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Entropy (nats) float64 [keys] and the largest log-probabilities float64 [keys, 20], descending.

    Args:
        path: activations over prompts.
        keys: question_id and sample (-1) of the prompts, in the order wanted.

    Returns:
        None if the table holds no such readings.

    Raises:
        StudyError: the file cannot be read, has one of the two columns only, or one of another type; a row is
            missing, stands there twice, or has no finite values.
    """
    held = [name for name in FIRST_TOKEN.names if name in open_parquet(path).schema_arrow.names]
    if not held:
        return None
    table = read_columns(path, _KEYS)
    prompt = np.array(table.column("position").to_pylist(), dtype=object) == LAST_PROMPT_TOKEN
    mask = pa.array(prompt)
    table = table.filter(mask)
    rows = list(zip(table.column("question_id").to_pylist(), table.column("sample").to_pylist(), strict=True))
    refuse_duplicates(path, rows, f"the {LAST_PROMPT_TOKEN} row of question and sample")
    row = {key: index for index, key in enumerate(rows)}
    absent = [key for key in keys if key not in row]
    if absent:
        raise StudyError(
            f"{path} has no {LAST_PROMPT_TOKEN} row of question {absent[0][0]!r} "
            f"({len(absent)} of {len(keys)} rows are missing)",
            _AGAIN,
        )
    order = np.array([row[key] for key in keys], dtype=np.int64)
    entropy, log_probabilities = (_values(path, name, mask)[order] for name in FIRST_TOKEN.names)
    return entropy[:, 0], log_probabilities


def _values(path: Path, name: str, mask: pa.Array) -> NDArray[np.float64]:
    """One column of the chosen rows: float64 [rows, 1 or 20]."""
    wanted = FIRST_TOKEN.field(name).type
    width = wanted.list_size if pa.types.is_fixed_size_list(wanted) else 1
    column = read_columns(path, pa.schema([FIRST_TOKEN.field(name)])).column(name)
    kept = column.combine_chunks().filter(mask)
    flat: NDArray[Any] = (kept.flatten() if width > 1 else kept).to_numpy(zero_copy_only=False)
    if kept.null_count or not np.isfinite(flat).all():
        raise StudyError(f"{path}: column {name!r} has values that are missing or not finite", _AGAIN)
    return flat.reshape(-1, width).astype(np.float64)
