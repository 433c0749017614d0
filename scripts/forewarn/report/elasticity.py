"""Organisms pushed back: behaviour, place in the residual stream, divergence, and which returns first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forewarn.report.style import GREY, cues, grid, percent_axis, say

LABELS = {
    "em": "misaligned answers (%)",
    "projection": "projection on the organism's direction",
    "shift": "distance from instruct, all directions",
    "kl": "KL(instruct || organism), nats a token",
}
SHOWN = ("em", "projection", "kl")


@dataclass(frozen=True)
class Rebound:
    """One organism.

    Attributes:
        summary: JSON of its rebound.
        curves: rows of its table, as mappings.
    """

    summary: dict[str, Any]
    curves: Sequence[dict[str, Any]]


def draw_elasticity(rebounds: Sequence[Rebound]) -> Figure:
    """One row per organism: three measures by rows of the opposite data, then half-returns over n.

    Args:
        rebounds: of the organisms, in the order of the study.
    """
    figure, axes = grid(len(rebounds), len(SHOWN) + 1, 3.9, 3.1)
    for row, each in enumerate(rebounds):
        for column, measure in enumerate(SHOWN):
            ax = axes[row * (len(SHOWN) + 1) + column]
            if column == 0:
                ax.set_title(
                    f"{each.summary['organism']}\npushed with {each.summary['opposite']}", fontsize=8
                )
            _curve(ax, each, measure)
        _halves(axes[row * (len(SHOWN) + 1) + len(SHOWN)], each.summary)
    return figure


def _curve(ax: Axes, each: Rebound, measure: str) -> None:
    rows = [row for row in each.curves if row["measure"] == measure]
    if not rows:
        say(ax, "the organism has no direction")
        return
    scale = 100 if measure == "em" else 1
    for number, n in enumerate(each.summary["n"]):
        those = [row for row in rows if row["n"] == n]
        values = [scale * row["value"] for row in those]
        ends = [
            [max(0.0, value - scale * _number(row["low"])) for value, row in zip(values, those, strict=True)],
            [
                max(0.0, scale * _number(row["high"]) - value)
                for value, row in zip(values, those, strict=True)
            ],
        ]
        look = cues(number)
        ax.errorbar(
            [row["k"] for row in those], values, yerr=ends, **look, markersize=3.5, linewidth=1.1, capsize=2,
            label=f"after {n} rows",
        )  # fmt: skip
    instruct = scale * rows[0]["instruct"]
    ax.axhline(instruct, color=GREY, linewidth=0.9, linestyle=":", label="instruct")
    if measure == "em":
        counts = [row["responses"] for row in rows]
        said = f"n = {min(counts)} to {max(counts)} answers, {rows[0]['prompts']} prompts"
        percent_axis(ax, LABELS[measure])
    else:
        said = f"n = {rows[0]['prompts']} prompts"
        ax.set_ylabel(LABELS[measure], fontsize=8)
    ax.set_xlabel(f"rows of the opposite data; {said}", fontsize=8)
    if measure == "em":
        ax.legend(fontsize=6)


def _halves(ax: Axes, summary: dict[str, Any]) -> None:
    """Rows to half-return over n, and the tests of their order."""
    changed = [row for row in summary["starts"] if row["changed"]]
    if not changed:
        say(ax, "no change to return from")
        return
    end = summary["k"][-1]
    lines = []
    for number, measure in enumerate(LABELS):
        those = [row for row in changed if row["measure"] == measure]
        if not those:
            continue
        halves = [row["half_return"] for row in those]
        values = [end if half["rows"] is None else half["rows"] for half in halves]
        ends = [
            [max(0.0, value - _or(half["low"], end)) for value, half in zip(values, halves, strict=True)],
            [max(0.0, _or(half["high"], end) - value) for value, half in zip(values, halves, strict=True)],
        ]
        place = [summary["n"].index(row["n"]) + 0.12 * number for row in those]
        look = cues(number) | {"linestyle": "none"}
        ax.errorbar(place, values, yerr=ends, **look, markersize=4, capsize=2, label=measure)
        order = summary["order"][measure]
        if order["p_adjusted"] is not None:
            lines.append(f"{measure}: order {order['statistic']:+.2f}, p = {order['p_adjusted']:.2g}")
    leads = [f"{row['n']}: {row['verdict']}" for row in summary["leads"] if row["measure"] == "projection"]
    title = [*lines, *([f"projection before em, after {', '.join(leads)}"] if leads else [])]
    ax.set_title("\n".join(title), fontsize=6.5)
    ax.axhline(end, color=GREY, linewidth=0.8, linestyle=":")
    ax.set_xticks(range(len(summary["n"])), [str(n) for n in summary["n"]])
    ax.set_xlabel(f"rows seen before; {len(summary['seeds'])} seeds (dotted: never)", fontsize=8)
    ax.set_ylabel("rows to half-return", fontsize=8)
    ax.legend(fontsize=6)


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _number(value: float | None) -> float:
    return math.nan if value is None else value
