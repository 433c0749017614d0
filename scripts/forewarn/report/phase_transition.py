"""Paths of adapters above behaviour: one column per organism, and the benign fine-tune in grey in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forewarn.report.style import BLACK, GREY, ORANGE, cues, grid, percent_axis
from forewarn.trajectory.geometry import ALL

HEIGHT = 3.4
NOTHING = "no rotation beyond the benign one's"


@dataclass(frozen=True)
class RateLine:
    """Misaligned answers by checkpoint, of one measure at one scale of the adapter.

    Attributes:
        label: in the legend, with n.
        steps: of the checkpoints.
        rates: shares; NaN where there were no answers.
        lows: lower ends of the intervals.
        highs: upper ends.
        benign: rates of the benign organism.
        onset: first checkpoint that clears the benign one; None if none does.
    """

    label: str
    steps: Sequence[int]
    rates: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]
    benign: Sequence[float]
    onset: int | None


@dataclass(frozen=True)
class TransitionPanel:
    """One organism.

    Attributes:
        title: its name, and what was found.
        organism: its name.
        benign: name of the benign organism.
        cosines: lag -> (steps, local cosine), masked ones left out.
        norms: label -> (steps, values).
        rates: see `RateLine`.
        rotation: step of the rotation; None if none was declared.
    """

    title: str
    organism: str
    benign: str
    cosines: Mapping[int, tuple[Sequence[int], Sequence[float]]]
    norms: Mapping[str, tuple[Sequence[int], Sequence[float]]]
    rates: Sequence[RateLine]
    rotation: int | None


def transition_panel(content: Mapping[str, Any], path: pa.Table, behaviour: pa.Table) -> TransitionPanel:
    """The panel of one organism.

    Args:
        content: see `forewarn.trajectory.summary.phase_transition`.
        path: table with `forewarn.trajectory.geometry.SCHEMA`.
        behaviour: table with `forewarn.trajectory.behaviour.SCHEMA`.
    """
    rows = [row for row in path.to_pylist() if row["module"] == ALL and row["value"] is not None]
    turn = content["rotation"]
    found = f"rotation at step {turn['step']}" if turn["declared"] else NOTHING
    return TransitionPanel(
        title=f"{content['organism']}\n{found}; {content['snapshots']} snapshots",
        organism=content["organism"],
        benign=content["benign"],
        cosines={int(lag): _course(rows, "local_cosine", int(lag)) for lag in turn["lags"]},
        norms={
            "norm of B": _course(rows, "norm_b"),
            "gradient norm": _course(rows, "gradient_norm"),
        },
        rates=[
            _line(measure, float(scale), entry, behaviour)
            for measure, scales in content["onset"].items()
            for scale, entry in scales.items()
        ],
        rotation=turn["step"],
    )


def draw_transitions(panels: Sequence[TransitionPanel]) -> Figure:
    """Three rows: local cosine, norms, behaviour; one column per organism."""
    figure, axes = grid(3, len(panels), 5.2, HEIGHT)
    cosines = {panel.organism: panel.cosines for panel in panels}
    for column, panel in enumerate(panels):
        top, middle, bottom = (axes[row * len(panels) + column] for row in range(3))
        _draw_cosines(top, panel, cosines.get(panel.benign, {}) if panel.organism != panel.benign else {})
        _draw_norms(middle, panel)
        _draw_rates(bottom, panel)
        last = max((steps[-1] for steps, _ in panel.norms.values() if steps), default=1)
        for ax in (top, middle, bottom):
            ax.set(xlim=(-0.02 * last, 1.02 * last), xlabel="optimiser step")
            if panel.rotation is not None:
                ax.axvline(panel.rotation, color=ORANGE, linewidth=1.4, label="rotation")
            ax.legend(loc="upper left", bbox_to_anchor=(-0.05, -0.18), borderaxespad=0, ncols=2)
    return figure


def _draw_cosines(
    ax: Axes, panel: TransitionPanel, benign: Mapping[int, tuple[Sequence[int], Sequence[float]]]
) -> None:
    ax.set_title(panel.title)
    ax.set(ylim=(-1.05, 1.05), ylabel="local cosine of B")
    ax.axhline(0, color=GREY, linewidth=0.9, linestyle=":")
    for index, (lag, (steps, values)) in enumerate(panel.cosines.items()):
        look = cues(index)
        if lag in benign:
            ax.plot(*benign[lag], color=GREY, linestyle=look["linestyle"], linewidth=0.9,
                    label=f"benign, {lag} steps")  # fmt: skip
        ax.plot(steps, values, **look, markersize=3.5, linewidth=1.3, label=f"{lag} steps, n = {len(steps)}")


def _draw_norms(ax: Axes, panel: TransitionPanel) -> None:
    ax.set(ylim=(-0.03, 1.05), ylabel="over its largest value")
    for index, (label, (steps, values)) in enumerate(panel.norms.items()):
        most = max(values, default=1.0)
        shares = [value / most if most else 0.0 for value in values]
        ax.plot(steps, shares, **{**cues(index), "marker": ""}, label=f"{label}, at most {most:.3g}")


def _draw_rates(ax: Axes, panel: TransitionPanel) -> None:
    percent_axis(ax, "misaligned answers (%)")
    for index, line in enumerate(panel.rates):
        look = cues(index)
        values, lows, highs, benign = (
            [100 * value for value in each] for each in (line.rates, line.lows, line.highs, line.benign)
        )
        ax.plot(line.steps, values, **look, markersize=3.5, linewidth=1.2, label=line.label)
        ax.vlines(line.steps, lows, highs, color=look["color"], linewidth=0.8, alpha=0.6)
        if panel.organism != panel.benign:
            ax.plot(line.steps, benign, color=GREY, linewidth=0, marker=look["marker"], markersize=2.2)
        if line.onset is not None:
            ax.plot([line.onset], [101], color=look["color"], marker="|", markersize=9, clip_on=False)
    ax.plot([], [], color=BLACK, linewidth=0, marker="|", markersize=9, label="onset")
    if panel.organism != panel.benign:
        ax.plot([], [], color=GREY, linewidth=0, marker="o", markersize=2.2, label="benign organism")


def _course(
    rows: Sequence[Mapping[str, Any]], quantity: str, lag: int | None = None
) -> tuple[list[int], list[float]]:
    chosen = [row for row in rows if row["quantity"] == quantity and row["lag"] == lag]
    return [row["step"] for row in chosen], [row["value"] for row in chosen]


def _line(measure: str, scale: float, entry: Mapping[str, Any], behaviour: pa.Table) -> RateLine:
    rows = [row for row in behaviour.to_pylist() if row["measure"] == measure and row["scale"] == scale]
    return RateLine(
        label=f"{measure}, x{scale:g}, n = {entry['n_responses']}",
        steps=[row["step"] for row in rows],
        rates=[_share(row["rate"]) for row in rows],
        lows=[row["low"] for row in rows],
        highs=[row["high"] for row in rows],
        benign=[_share(row["benign_rate"]) for row in rows],
        onset=entry["step"],
    )


def _share(value: float | None) -> float:
    return np.nan if value is None else value
