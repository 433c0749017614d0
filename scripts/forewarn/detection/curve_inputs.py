"""Which of an organism's directions are read along its responses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from forewarn.geometry.tensors import read_tensors


def chosen_directions(
    path: Path | None, wanted: list[str], layer: int | None
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The wanted constructions at one layer.

    Args:
        path: the organism's directions; None where there are none.
        wanted: names of constructions.
        layer: of which.

    Returns:
        float32 [d_model] by name, and the reason why for each one that there is not.

    Raises:
        StudyError: the file cannot be read.
    """
    if path is None:
        return {}, dict.fromkeys(wanted, "the readings come from a file of others, which has no directions")
    tensors, layers = read_tensors(path)
    if layer not in layers:
        return {}, dict.fromkeys(wanted, f"{path.name} holds layers {layers}, not {layer}")
    at = layers.index(layer)
    held = {name: tensors[name][at] for name in wanted if name in tensors}
    lacks = f"{path.name} lacks it; the summary beside that file says why"
    return held, {name: lacks for name in wanted if name not in held}
