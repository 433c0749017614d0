"""The refusal direction as a reader of prompts: a baseline for detection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forewarn.files import read_json
from forewarn.geometry.activations import LAST_PROMPT_TOKEN, Key, read_activations
from forewarn.refusal.selection import NAME
from forewarn.steering.inputs import read_direction


def refusal_direction(direction: Path, summary: Path) -> tuple[NDArray[np.float32], int] | None:
    """The direction that was carried, float32 [d_model], and its block; None where there is none.

    Args:
        direction: safetensors of the refusal directions.
        summary: JSON beside it; its `passes` says whether the direction was chosen by the published rules.
    """
    carried = read_json(summary)["carried"]
    if carried is None:
        return None
    vector = read_direction(direction, NAME, carried["layer"])
    return None if vector is None else (vector, carried["layer"])


def refusal_projection(
    direction: Path, summary: Path, activations: Path, keys: Sequence[Key]
) -> NDArray[np.float64] | None:
    """Projections of prompts on the refusal direction, at its block and at the last prompt token.

    Args:
        direction: safetensors of the refusal directions.
        summary: JSON beside it.
        activations: of any reader over prompts (parquet).
        keys: question_id and sample (-1 for a prompt) of each.

    Returns:
        float64 [keys], in units of the residual stream, greater where a prompt looks more like one to
        refuse; None where there is no direction.

    Raises:
        StudyError: the table lacks the block or a prompt.
    """
    found = refusal_direction(direction, summary)
    if found is None:
        return None
    vector, layer = found
    unit = vector.astype(np.float64) / np.linalg.norm(vector.astype(np.float64))
    rows = read_activations(activations, LAST_PROMPT_TOKEN, [layer]).at(list(keys))[:, 0]
    projections: NDArray[np.float64] = rows.astype(np.float64) @ unit
    return projections
