"""Directions on disk: named float32 tensors [layers, d_model] as safetensors, without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from forewarn.errors import StudyError
from forewarn.files import replacing

_AGAIN = "delete the file and run again, so that the stage that writes it makes it anew"


def write_tensors(path: Path, tensors: dict[str, NDArray[Any]], *, layers: list[int]) -> None:
    """Write tensors whose first axis runs over `layers`; equal contents give equal bytes.

    The layers are the file's only metadata entry: safetensors writes several of them in an order that
    changes from process to process.
    """
    contiguous = {name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}
    with replacing(path) as temporary:
        save_file(contiguous, temporary, metadata={"layers": json.dumps(layers)})


def read_tensors(path: Path) -> tuple[dict[str, NDArray[Any]], list[int]]:
    """Read all tensors of a file, and the layer index of each of their rows.

    Raises:
        StudyError: there is no such file, it is no safetensors file (e.g. cut short), or it does not say
            which layers its rows are.
    """
    try:
        with safe_open(path, framework="np") as file:
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
            layers = json.loads((file.metadata() or {}).get("layers", "null"))
    except (OSError, SafetensorError) as error:
        raise StudyError(f"{path} cannot be read as safetensors: {error}", _AGAIN) from error
    if layers is None or any(len(tensor) != len(layers) for tensor in tensors.values()):
        raise StudyError(f"{path} does not say in its metadata which layers its rows are", _AGAIN)
    return tensors, layers
