"""Labels permuted among the prompts of a category: chance, with the differences between categories kept.

A whole prompt's pair of counts moves, so that overdispersion stays what it is. Scores that tell no more
than the category then look like their permutations, however high their pooled AUROC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from forewarn.statistics.auroc import Floats, Groups, area
from forewarn.statistics.labels import Counts, Labels


@dataclass(frozen=True)
class FamilyWise:
    """AUROC of several layers on the same prompts, with the choice among them paid for.

    Each layer's AUROC is held against its own permutations, in units of their standard deviation; the
    largest of these over layers is held against the largest of every permutation (max-T, Westfall and Young
    1993). Layers that read the category differ in what chance gives them, so that AUROC itself would not
    compare. All of it is one-sided: the sign of a score was fixed before.

    Attributes:
        aurocs: float64 [layers].
        chance: float64 [layers], mean AUROC of the permutations.
        critical: float64 [layers], AUROC above which a layer passes, the choice paid for.
        p_values: float64 [layers], as if no other layer had been looked at.
        adjusted: float64 [layers], with the choice paid for.
        layer: position of the layer that is furthest above chance.
        permutations: how many.
        confidence: e.g. 0.95.
        reason: why there are no numbers; None if there are.
    """

    aurocs: Floats
    chance: Floats
    critical: Floats
    p_values: Floats
    adjusted: Floats
    layer: int | None
    permutations: int
    confidence: float
    reason: str | None = None

    @property
    def p_value(self) -> float | None:
        """Family-wise: of there being nothing in any layer."""
        return None if self.layer is None else float(self.adjusted[self.layer])

    def as_dict(self) -> dict[str, Any]:
        """JSON form: of the layer furthest above chance, then per layer; `reason` only where there is one."""
        at = self.layer
        content = {
            "layer": at,
            "auroc": None if at is None else float(self.aurocs[at]),
            "critical": None if at is None else float(self.critical[at]),
            "p_value": self.p_value,
            "largest_auroc": None if at is None else float(self.aurocs.max()),
            "aurocs": _numbers(self.aurocs),
            "chance": _numbers(self.chance),
            "criticals": _numbers(self.critical),
            "p_values": _numbers(self.p_values),
            "adjusted_p_values": _numbers(self.adjusted),
            "permutations": self.permutations,
            "confidence": self.confidence,
        }
        return content | ({"reason": self.reason} if self.reason else {})


def permuted(labels: Labels, groups: Groups, count: int, seed: int) -> tuple[Counts, Counts]:
    """Labels whose prompts have changed places inside their groups.

    Args:
        labels: counts per prompt.
        groups: [prompts], e.g. the categories; all alike permutes all prompts.
        count: how many permutations.
        seed: of the draw.

    Returns:
        misaligned and responses, int64 [count, prompts] each; a prompt's two counts stay together.
    """
    _, group = np.unique(groups, return_inverse=True)
    keys = np.random.default_rng(seed).random((count, len(labels))) + group
    source = np.empty((count, len(labels)), dtype=np.int64)
    source[:, np.argsort(group, kind="stable")] = np.argsort(keys, axis=-1)
    return labels.misaligned[source], labels.responses[source]


def family_wise(
    scores: Floats, labels: Labels, groups: Groups, count: int, seed: int, confidence: float = 0.95
) -> FamilyWise:
    """Test all layers at once against labels permuted within groups.

    Every p-value is (1 + permutations that reach the observed value) / (1 + permutations), which holds its
    level exactly (Phipson and Smyth 2010).

    Args:
        scores: float64 [layers, prompts]; the higher, the more misaligned.
        labels: counts of the same prompts.
        groups: [prompts], inside which labels are permuted.
        count: permutations.
        seed: of the permutations.
        confidence: 1 - confidence is the chance that any layer passes where none tells anything.
    """
    if (reason := labels.one_class()) or len(scores) == 0:
        nothing = np.full(len(scores), np.nan)
        reason = reason or "there is no layer"
        return FamilyWise(nothing, nothing, nothing, nothing, nothing, None, count, confidence, reason)
    misaligned, responses = permuted(labels, groups, count, seed)
    # The observed labels stand first, as one arrangement among those that chance could have made.
    misaligned = np.concatenate([labels.misaligned[None], misaligned])
    others = np.concatenate([labels.responses[None], responses]) - misaligned
    areas = np.stack([area(layer, misaligned, others) for layer in scores])
    chance, spread = areas.mean(axis=1), areas.std(axis=1)
    excess = areas - chance[:, None]
    units = np.divide(excess, spread[:, None], out=np.zeros(areas.shape), where=spread[:, None] > 1e-12)
    most = units.max(axis=0)
    limit = np.sort(most)[_rank(confidence, count)]
    return FamilyWise(
        aurocs=areas[:, 0],
        chance=chance,
        critical=chance + limit * spread,
        p_values=_reached(units, units[:, 0]),
        adjusted=_reached(most[None], units[:, 0]),
        layer=int(np.argmax(units[:, 0])),
        permutations=count,
        confidence=confidence,
    )


def _rank(confidence: float, count: int) -> int:
    """Place of the critical value among 1 + count rising maxima: above it, p is below 1 - confidence."""
    allowed = int(np.ceil((1 - confidence) * (1 + count) - 1e-9)) - 1
    return count - max(allowed, 0)


def _reached(arrangements: Floats, observed: Floats) -> Floats:
    """Share of the arrangements, the observed one among them, that reach each observed value."""
    # Sums of the same numbers in another order differ in their last digits.
    shares: Floats = np.mean(arrangements >= observed[:, None] - 1e-9, axis=1)
    return shares


def _numbers(values: Floats) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
