"""Layers that a study names: each exists in the model, and the one that is steered is recorded.

Works on plain mappings, like `forewarn.config.references`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from forewarn.config.emit import KeyPath, inline
from forewarn.config.model.models import Architecture
from forewarn.config.problems import Problem, Write
from forewarn.config.raw import get, is_int, items, listed, mapping_at


def layer_problems(raw: Mapping[str, Any], model: str, study: Any) -> Iterator[Problem]:
    """Layers exist in the model (known for world models alone), and steering's is recorded."""
    count = _layer_count(raw, model)
    path: KeyPath = ("studies", model)
    recorded = get(mapping_at(study, "activations"), "layers")
    steered = get(mapping_at(study, "steering"), "layer")
    if count is not None:
        used = [
            get(grid, "adapter") for _, grid in [*items(study, "organisms"), *items(study, "atlas_organisms")]
        ]
        for adapter in sorted({name for name in used if isinstance(name, str)}):
            layers = get(get(mapping_at(raw, "adapters"), adapter), "layers")
            yield from _too_deep(("adapters", adapter, "layers"), layers, model, count)
        yield from _too_deep((*path, "activations", "layers"), recorded, model, count)
        yield from _too_deep((*path, "steering", "layer"), steered, model, count)
        read = get(mapping_at(study, "token_curve"), "layer")
        yield from _too_deep((*path, "token_curve", "layer"), read, model, count)
        single = get(mapping_at(mapping_at(study, "steering"), "further"), "layer_by_layer")
        yield from _too_deep((*path, "steering", "further", "layer_by_layer"), single, model, count)
    if not (isinstance(recorded, list) and is_int(steered) and steered not in recorded):
        return
    if count is None or 0 <= steered < count:
        layers = [layer for layer in recorded if is_int(layer) and (count is None or layer < count)]
        if layers:
            near = min(layers, key=lambda layer: abs(layer - steered))
            yield Problem(
                (*path, "steering", "layer"),
                f"a layer of activations.layers: {listed(layers)}",
                str(steered),
                str(near),
                Write(near),
            )


def _too_deep(path: KeyPath, layers: Any, model: str, count: int) -> Iterator[Problem]:
    given = layers if isinstance(layers, list) else [layers]
    if all(map(is_int, given)) and any(layer >= count for layer in given):
        kept = list(dict.fromkeys(min(layer, count - 1) for layer in given))
        better = kept if isinstance(layers, list) else kept[0]
        yield Problem(
            path,
            f"layers of the model {model}: 0 to {count - 1}",
            inline(layers),
            inline(better),
            Write(better),
        )


def _layer_count(raw: Mapping[str, Any], model: str) -> int | None:
    """Layers of a world model; None for real models, which are not opened while a plan is made."""
    settings = mapping_at(mapping_at(raw, "models"), model)
    if settings.get("source") != "world":
        return None
    count = mapping_at(settings, "architecture").get("layers", Architecture.model_fields["layers"].default)
    return count if is_int(count) and count > 0 else None
