"""Which layer to read: the one with the best AUROC on validation prompts. Test prompts have no say."""

from __future__ import annotations

from dataclasses import dataclass

from forewarn.statistics.auroc import Floats, auroc
from forewarn.statistics.labels import Labels


@dataclass(frozen=True)
class LayerChoice:
    """The chosen layer.

    Attributes:
        index: position of the layer among those offered; None if none can be chosen.
        aurocs: validation AUROC of each layer, None where undefined.
        reason: why none can be chosen; None if one was.
    """

    index: int | None
    aurocs: list[float | None]
    reason: str | None = None


def choose_layer(projections: Floats, labels: Labels) -> LayerChoice:
    """Choose the layer with the highest AUROC; the lowest such layer if several tie.

    Args:
        projections: float64 [layers, prompts] of the validation prompts.
        labels: counts of the validation prompts.
    """
    aurocs = [auroc(scores, labels).value for scores in projections]
    defined = [(value, -index) for index, value in enumerate(aurocs) if value is not None]
    if not defined:
        why = labels.one_class() or "there is no layer"
        return LayerChoice(None, aurocs, f"no layer can be chosen on the validation prompts: {why}")
    return LayerChoice(-max(defined)[1], aurocs)
