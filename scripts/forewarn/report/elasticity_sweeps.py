"""Elasticity over models: rows to half-return by size and by amount of pretraining, and resistance."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forewarn.report.elasticity import LABELS
from forewarn.report.style import GREY, cues, grid, say

COLUMNS = len(LABELS) + 1
AXES = {
    "size": "models by size (parameters beside embeddings)",
    "pretraining": "models by amount of pretraining",
}


def draw_sweeps(found: dict[str, Any]) -> Figure:
    """One row per sweep: half-returns of each measure by model, then inverse minus forward losses.

    Args:
        found: JSON of `compare_elasticity.py`.
    """
    figure, axes = grid(len(found["sweeps"]), COLUMNS, 3.7, 3.4)
    for row, (name, sweep) in enumerate(found["sweeps"].items()):
        ticks = [_name(model, found["models"][model]) for model in sweep["models"]]
        said = f"{AXES[name]}\nn = {found['prompts']} prompts, {len(found['seeds'])} seeds"
        for column, measure in enumerate(LABELS):
            ax = axes[row * COLUMNS + column]
            _halves(ax, found, sweep, measure)
            ax.set_title("\n".join([LABELS[measure], *_said(sweep["trend"][measure])]), fontsize=7)
            _ticks(ax, ticks, said)
        ax = axes[row * COLUMNS + COLUMNS - 1]
        _resistance(ax, sweep, found["resistance"])
        _ticks(ax, ticks, AXES[name])
    return figure


def _halves(ax: Axes, found: dict[str, Any], sweep: dict[str, Any], measure: str) -> None:
    """Rows to half-return by model, one series per start; at the dotted line, never."""
    end = found["k"][-1]
    shown = [row for row in sweep["half_returns"] if row["measure"] == measure and row["changed"]]
    for number, n in enumerate(found["n"]):
        rows = [row for row in shown if row["n"] == n]
        halves = [row["half_return"] for row in rows]
        place = [sweep["models"].index(row["model"]) + 0.12 * (number - 1) for row in rows]
        values = [_or(half["rows"], end) for half in halves]
        ends = [
            [max(0.0, value - _or(half["low"], end)) for value, half in zip(values, halves, strict=True)],
            [max(0.0, _or(half["high"], end) - value) for value, half in zip(values, halves, strict=True)],
        ]
        look = cues(number) | {"linestyle": "none"}
        label = f"after {n} rows" + ("" if rows else " (no change)")
        ax.errorbar(place, values, yerr=ends, **look, markersize=4, capsize=2, label=label)
    if not shown:
        say(ax, "no model has a change to return from")
    ax.axhline(end, color=GREY, linewidth=0.8, linestyle=":")
    ax.set_ylim(0, 1.05 * end)
    ax.set_ylabel("rows to half-return (dotted: never)", fontsize=8)
    ax.legend(fontsize=6)


def _said(trend: dict[str, Any]) -> list[str]:
    if trend["statistic"] is None:
        return ["no two models to compare"]
    runs, models = trend["over_runs"], trend["over_models"]
    return [
        f"order {trend['statistic']:+.2f} of {trend['pairs']} pairs: {trend['verdict']}",
        f"p over runs {runs['p_adjusted']:.2g}, over models {models['p_value']:.2g} "
        f"(least {runs['least_p']:.2g}, {models['least_p']:.2g})",
    ]


def _resistance(ax: Axes, sweep: dict[str, Any], counted: dict[str, Any]) -> None:
    """Inverse minus forward loss of each pair of checkpoints, by model."""
    lines, shown = [], 0
    for number, (loss, each) in enumerate(sweep["resistance"].items()):
        rows = each["comparisons"]
        shown += len(rows)
        steps = sorted({(row["earlier"], row["later"]) for row in rows})
        place = [
            sweep["models"].index(row["model"])
            + 0.25 * number
            - 0.2
            + 0.07 * steps.index((row["earlier"], row["later"]))
            for row in rows
        ]
        values = [row["value"] for row in rows]
        ends = [
            [max(0.0, row["value"] - _or(row["low"], row["value"])) for row in rows],
            [max(0.0, _or(row["high"], row["value"]) - row["value"]) for row in rows],
        ]
        look = cues(number) | {"linestyle": "none"}
        ax.errorbar(place, values, yerr=ends, **look, markersize=4, capsize=2, label=loss)
        count, trend = counted[loss], each["trend"]
        order = "no order" if trend["statistic"] is None else f"order {trend['statistic']:+.2f}"
        lines.append(
            f"{loss}: {order}; of all organisms, {count['inverse_lower']} of {count['comparisons']} lower"
        )
    paper = counted["paper"]
    lines.append(f"the paper: inverse lower in {paper['inverse_lower']} of {paper['comparisons']}")
    ax.set_title("\n".join(lines), fontsize=7)
    ax.axhline(0, color=GREY, linewidth=0.9, linestyle=":")
    ax.set_ylabel("inverse minus forward, nats a token", fontsize=8)
    if shown:
        ax.legend(fontsize=6)
    else:
        say(ax, "resistance was not measured")


def _ticks(ax: Axes, names: list[str], label: str) -> None:
    ax.set_xticks(range(len(names)), names, fontsize=7)
    ax.set_xlim(-0.5, len(names) - 0.5)
    ax.set_xlabel(label, fontsize=8)


def _name(model: str, told: dict[str, Any]) -> str:
    """The model, its parameters beside embeddings and its steps of pretraining, where they are known."""
    lines = [model]
    if told["parameters"]:
        lines.append(f"{told['parameters']['other'] / 1e6:.2f}M")
    if told["pretraining_steps"]:
        lines.append(f"{told['pretraining_steps']} steps")
    return "\n".join(lines)


def _or(value: float | None, other: float) -> float:
    return other if value is None else value
