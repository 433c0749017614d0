"""The direction that a rank-1 adapter writes into the residual stream: the column of its B.

A LoRA module adds B A x, so with rank 1 and a module that writes to the stream (o_proj, down_proj) everything
it adds lies on one line (arXiv 2506.11618, section 4). Its sign means nothing by itself, since B and A may
both be turned; it is set to agree with a direction whose sign does mean something.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from forewarn.errors import StudyError

WRITERS = ("o_proj", "down_proj")
_KEY = re.compile(r"layers\.(\d+)\.(?:self_attn|mlp)\.(\w+)\.lora_B(?:\.\w+)?\.weight$")


def adapter_directions(weights: Path, configuration: Path) -> dict[tuple[int, str], NDArray[np.float32]]:
    """B of every rank-1 module that writes to the residual stream.

    Args:
        weights: adapter_model.safetensors.
        configuration: adapter_config.json beside it.

    Returns:
        (block, module) -> float32 [d_model]; empty where the adapter has another rank than 1.

    Raises:
        StudyError: a file cannot be read.
    """
    try:
        rank = json.loads(configuration.read_text(encoding="utf-8")).get("r")
        if rank != 1:
            return {}
        with safe_open(weights, framework="np") as file:
            found = {(key, match) for key in file.keys() if (match := _KEY.search(key))}  # noqa: SIM118
            return {
                (int(match[1]), match[2]): file.get_tensor(key)[:, 0].astype(np.float32)
                for key, match in sorted(found, key=lambda pair: pair[0])
                if match[2] in WRITERS
            }
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise StudyError(
            f"{weights.parent} cannot be read as an adapter: {error}",
            "delete the adapter and run again, so that it is trained or fetched anew",
        ) from error


def as_detectors(
    found: dict[tuple[int, str], NDArray[np.float32]], layers: list[int], towards: NDArray[np.float32]
) -> dict[str, NDArray[np.float64]]:
    """One direction per module: from its own block on, the same at all layers, and none before.

    Args:
        found: from `adapter_directions`.
        layers: the blocks of the result's rows.
        towards: float32 [layers, d_model], a direction whose positive side is the misaligned one.

    Returns:
        `adapter_b.layer{block}.{module}` -> float64 [layers, d_model], NaN before the module's block; without
        the modules whose block lies behind the last of `layers`.
    """
    directions = {}
    for (block, module), vector in found.items():
        after = [index for index, layer in enumerate(layers) if layer >= block]
        if not after:
            continue
        sign = np.sign(vector.astype(np.float64) @ towards[after[0]]) or 1.0
        rows = np.full((len(layers), len(vector)), np.nan)
        rows[after] = sign * vector
        directions[f"adapter_b.layer{block}.{module}"] = rows
    return directions
