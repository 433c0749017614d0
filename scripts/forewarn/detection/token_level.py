"""One probe over single tokens, each with the label of its response: how the field often reports
detection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.detection.held_out import held_out, probe
from forewarn.detection.labelled import Labelled, label
from forewarn.detection.token_curve import Settings
from forewarn.errors import StudyError
from forewarn.geometry.activations import Key, layers_of
from forewarn.statistics.tables import open_parquet, read_columns, strings

_KEYS = pa.schema(
    [pa.field("question_id", pa.string(), nullable=False), pa.field("sample", pa.int32(), nullable=False)]
)


def token_level(tokens: Path, scores: Path, settings: Settings, layer: int | None = None) -> dict[str, Any]:
    """AUROC over single tokens of the answers, by a probe that was fitted on the tokens of other prompts.

    Every token counts as one response would, so that long answers count for more. Prompts are what is left
    out and resampled.

    Args:
        tokens: table with question_id, sample and `layer_NN`, one row per token of an answer.
        scores: labels of the responses.
        settings: how to measure; no labels are shuffled here.
        layer: as in `token_curve`.

    Returns:
        As `ResponseEvaluator.areas` gives it, with "n_tokens" and "n_responses".

    Raises:
        StudyError: an input cannot be used.
    """
    table = read_columns(tokens, _KEYS)
    keys: list[Key] = list(zip(strings(table, "question_id"), table["sample"].to_pylist(), strict=True))
    distinct = tuple(dict.fromkeys(keys))
    responses = label(distinct, scores)
    place = {key: number for number, key in enumerate(responses.keys)}
    kept = np.array([number for number, key in enumerate(keys) if key in place], dtype=np.int64)
    owner = np.array([place[keys[number]] for number in kept], dtype=np.int64)
    every = Labelled(
        rows=kept,
        keys=tuple(keys[number] for number in kept),
        prompt=responses.prompt[owner],
        prompts=responses.prompts,
        misaligned=responses.misaligned[owner],
        unscored=0,
    )
    evaluator = settings.evaluator(every)
    fitted = probe(_readings(tokens, layer)[kept], every.misaligned[None], settings.probe_strength)
    scored = evaluator.scored(held_out(fitted, evaluator.fold)[0], fitted)
    counts = {"n_tokens": len(kept), "n_responses": len(responses.keys)}
    return evaluator.areas(scored) | counts


def _readings(path: Path, layer: int | None) -> NDArray[np.float64]:
    """The layer, or all side by side: float64 [tokens, layers x width]."""
    wanted = layers_of(path) if layer is None else (layer,)
    table = open_parquet(path).read(columns=[f"layer_{each:02d}" for each in wanted])
    columns = [
        column.combine_chunks().flatten().to_numpy().reshape(table.num_rows, -1) for column in table.columns
    ]
    found = np.concatenate(columns, axis=1).astype(np.float64)
    if not np.isfinite(found).all():
        raise StudyError(f"{path} has values that are not finite", "take the readings again")
    return found
