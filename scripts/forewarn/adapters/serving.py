"""The coefficients of both questions, and which adapter serves which: all that groups of adapters rest on.

Nothing of it depends on how AUROCs are measured, so that the experiments on the groups do not either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.adapters.groups import GROUPS, Verdict, verdicts_of
from forewarn.adapters.probes import Coefficients, coefficients, quantiles
from forewarn.adapters.problems import Name, problems
from forewarn.adapters.scalars import Tokens
from forewarn.statistics.holm import holm

COEFFICIENTS = pa.schema(
    [
        pa.field("problem", pa.string(), nullable=False),
        pa.field("adapter", pa.string(), nullable=False),
        pa.field("coefficient", pa.float64(), nullable=False),
        pa.field("coefficient_low", pa.float64()),
        pa.field("coefficient_high", pa.float64()),
        pa.field("selected_share", pa.float64()),
        pa.field("null_low", pa.float64()),
        pa.field("null_high", pa.float64()),
        pa.field("p_value", pa.float64(), nullable=False),
        pa.field("p_adjusted", pa.float64(), nullable=False),
        pa.field("serves", pa.bool_(), nullable=False),
    ]
)
"""One row per question and adapter: its coefficient on all units (in standard deviations of the scalar),
where it lies when units are drawn anew and under shuffled labels, and the share of fits that keep it."""


@dataclass(frozen=True)
class Probing:
    """How to fit, see `forewarn.config.model.adapter_readings`."""

    minimum_per_class: int
    strength: float
    fits: int
    permutations: int
    confidence: float
    seed: int


def probe_adapters(
    tokens: Tokens, domain: Sequence[str], how: Probing
) -> tuple[pa.Table, dict[str, list[str]]]:
    """Put both questions to the scalars.

    Args:
        tokens: of labelled answers.
        domain: categories inside the domain of the fine-tuning.
        how: to fit.

    Returns:
        A table of `COEFFICIENTS`, without a question that cannot be asked; and the adapters of each verdict,
        with `order.general` and `order.narrow`: all adapters by the size of their coefficient.
    """
    found = {
        name: coefficients(problem, how.strength, fits=how.fits, permutations=how.permutations, seed=how.seed)
        for name, problem in problems(tokens, domain, how.minimum_per_class).items()
        if not isinstance(problem, str)
    }
    adjusted = _adjusted(found)
    serves = {
        name: (adjusted[name] < 1 - how.confidence) & found[name].kept(how.confidence) for name in found
    }
    rows = [
        row
        for name, each in found.items()
        for row in _rows(name, tokens.adapters, each, adjusted[name], serves[name], how)
    ]
    verdicts = verdicts_of(tokens.adapters, serves)
    groups = {
        verdict: [name for name in tokens.adapters if verdicts.get(name) == verdict]
        for verdict in get_args(Verdict)
    }
    orders = {
        f"order.{group}": [
            tokens.adapters[at] for at in np.argsort(-np.abs(found[name].fitted), kind="stable")
        ]
        for group, name in GROUPS.items()
        if name in found
    }
    return pa.Table.from_pylist(rows, schema=COEFFICIENTS), groups | orders


def _adjusted(found: Mapping[Name, Coefficients]) -> dict[Name, NDArray[np.float64]]:
    """P-values of all adapters and questions, adjusted together."""
    every = [float(value) for each in found.values() for value in each.p_values]
    values = iter(holm(every))
    return {name: np.array([next(values) for _ in each.p_values]) for name, each in found.items()}


def _rows(
    name: Name,
    adapters: Sequence[str],
    found: Coefficients,
    adjusted: NDArray[np.float64],
    serves: NDArray[np.bool_],
    how: Probing,
) -> list[dict[str, Any]]:
    interval, null = found.interval(how.confidence), quantiles(found.null, how.confidence)
    draws = found.draws[~np.isnan(found.draws).any(axis=1)]
    return [
        {
            "problem": name,
            "adapter": adapter,
            "coefficient": float(found.fitted[at]),
            "coefficient_low": float(interval[0, at]),
            "coefficient_high": float(interval[1, at]),
            "selected_share": float(np.mean(draws[:, at] != 0)) if len(draws) else None,
            "null_low": float(null[0, at]),
            "null_high": float(null[1, at]),
            "p_value": float(found.p_values[at]),
            "p_adjusted": float(adjusted[at]),
            "serves": bool(serves[at]),
        }
        for at, adapter in enumerate(adapters)
    ]
