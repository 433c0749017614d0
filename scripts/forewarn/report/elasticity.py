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
COLUMNS = len(SHOWN) + 2


@dataclass(frozen=True)
class Rebound:
    """One organism.

    Attributes:
        summary: JSON of its rebound.
        curves: rows of its table, as mappings.
        resistance: JSON; None where it was not measured.
    """

    summary: dict[str, Any]
    curves: Sequence[dict[str, Any]]
    resistance: dict[str, Any] | None = None


def draw_elasticity(rebounds: Sequence[Rebound]) -> Figure:
    """One row per organism: three measures by rows of opposite data, half-returns over n, resistance.

    Args:
        rebounds: of the organisms, in the order of the study.
    """
    figure, axes = grid(len(rebounds), COLUMNS, 3.9, 3.1)
    for row, each in enumerate(rebounds):
        for column, measure in enumerate(SHOWN):
            ax = axes[row * COLUMNS + column]
            if column == 0:
                ax.set_title(
                    f"{each.summary['organism']}\npushed with {each.summary['opposite']}", fontsize=8
                )
            _curve(ax, each, measure)
        _halves(axes[row * COLUMNS + len(SHOWN)], each.summary)
        _resistance(axes[row * COLUMNS + len(SHOWN) + 1], each.resistance)
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
            pair = [row for row in summary["speeds"][measure] if row["n"] == [order["n"][0], order["n"][-1]]]
            verdict = f"; most rows: {pair[0]['verdict']}" if pair else ""
            lines.append(
                f"{measure}: order {order['statistic']:+.2f}, p = {order['p_adjusted']:.2g}{verdict}"
            )
    leads = [f"{row['n']}: {row['verdict']}" for row in summary["leads"] if row["measure"] == "projection"]
    title = [*lines, *([f"projection before em, after {', '.join(leads)}"] if leads else [])]
    ax.set_title("\n".join(title), fontsize=6.5)
    ax.axhline(end, color=GREY, linewidth=0.8, linestyle=":")
    ax.set_xticks(range(len(summary["n"])), [str(n) for n in summary["n"]])
    ax.set_xlabel(f"rows seen before; {len(summary['seeds'])} seeds (dotted: never)", fontsize=8)
    ax.set_ylabel("rows to half-return", fontsize=8)
    ax.legend(fontsize=6)


def _resistance(ax: Axes, found: dict[str, Any] | None) -> None:
    """Inverse minus forward loss of each pair of checkpoints."""
    if found is None:
        say(ax, "resistance was not measured")
        return
    pairs = found["comparisons"]
    for number, name in enumerate(("loss", "excess")):
        those = [each[name]["inverse_minus_forward"] for each in pairs]
        values = [each["value"] for each in those]
        ends = [
            [max(0.0, value - _or(each["low"], value)) for value, each in zip(values, those, strict=True)],
            [max(0.0, _or(each["high"], value) - value) for value, each in zip(values, those, strict=True)],
        ]
        look = cues(number) | {"linestyle": "none"}
        place = [x + 0.15 * number for x in range(len(pairs))]
        ax.errorbar(place, values, yerr=ends, **look, markersize=4, capsize=2, label=name)
    signs = found["signs"]
    ax.set_title(
        "\n".join(
            f"{name}: inverse lower in {each['inverse_lower']} of {each['comparisons']} "
            f"({each['lower_told_apart']} told apart; higher: {each['higher_told_apart']})"
            for name, each in signs.items()
        ),
        fontsize=6.5,
    )
    ax.axhline(0, color=GREY, linewidth=0.9, linestyle=":")
    ax.set_xticks(range(len(pairs)), [f"{each['earlier']} / {each['later']}" for each in pairs])
    n = f"n = {pairs[0]['questions']} questions, {pairs[0]['seeds']} seeds"
    ax.set_xlabel(f"checkpoints (steps); {n}", fontsize=8)
    ax.set_ylabel("inverse minus forward, nats a token", fontsize=8)
    ax.legend(fontsize=6)


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _number(value: float | None) -> float:
    return math.nan if value is None else value
