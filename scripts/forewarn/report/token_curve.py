"""AUROC within prompts against the number of answer tokens that are read: one panel per organism."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forewarn.report.style import GREY, cues, grid, say

BAND = "#e3e3e3"
NAMES = {"probe": "probe", "text": "words so far"}


@dataclass(frozen=True)
class CurveLine:
    """One reader of the answers.

    Attributes:
        label: in the legend.
        steps: numbers of tokens at which its AUROC is defined, ascending.
        values: AUROC within prompts at each.
        intervals: (low, high) at each; None where undefined.
    """

    label: str
    steps: Sequence[int]
    values: Sequence[float]
    intervals: Sequence[tuple[float, float] | None]


@dataclass(frozen=True)
class CurvePanel:
    """One organism.

    Attributes:
        title: its name.
        counts: how many prompts and responses there are, in words.
        steps: all numbers of tokens, ascending.
        lines: readers.
        band: (low, high) of the probe under shuffled labels at each step; None where undefined.
        notes: further lines of the legend.
        undefined: why there is no curve; empty if there is one.
    """

    title: str
    counts: str
    steps: Sequence[int]
    lines: Sequence[CurveLine]
    band: Sequence[tuple[float, float] | None]
    notes: Sequence[str] = ()
    undefined: str = ""


def curve_panel(content: Mapping[str, Any]) -> CurvePanel:
    """The panel of one summary of `token_curve`."""
    points, counts = content["points"], content["counts"]
    layers = ", ".join(map(str, content["layers"]))
    found = {
        name: [point["readers"][name]["within_prompt"] for point in points] for name in points[0]["readers"]
    }
    undefined = next((entry["reason"] for entry in found["probe"] if "reason" in entry), "")
    ground = content["last_prompt_token"]
    shuffled = [point["readers"]["probe"]["null"] for point in points]
    return CurvePanel(
        title=content["organism"],
        counts=(
            f"{counts['n_mixed_prompts']:,} of {counts['n_prompts']:,} prompts have both classes\n"
            f"{counts['n_misaligned']:,} of {counts['n_responses']:,} responses misaligned"
        ),
        steps=[point["t"] for point in points],
        lines=[_line(NAMES.get(name, name), points, entries) for name, entries in found.items()],
        band=[_ends(null) for null in shuffled],
        notes=[
            f"layers read: {layers}; {content['features']:,} numbers a token",
            *([] if ground["shared"] else ["answers of a prompt differ at 0: see last_prompt_token"]),
        ],
        undefined=undefined,
    )


def _line(label: str, points: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]) -> CurveLine:
    defined = [
        (point["t"], entry)
        for point, entry in zip(points, entries, strict=True)
        if entry["auroc"] is not None
    ]
    return CurveLine(
        label=label,
        steps=[t for t, _ in defined],
        values=[entry["auroc"] for _, entry in defined],
        intervals=[_ends(entry["interval"]) for _, entry in defined],
    )


def _ends(content: Mapping[str, Any]) -> tuple[float, float] | None:
    return None if content["low"] is None else (content["low"], content["high"])


def draw_token_curves(panels: Sequence[CurvePanel], columns: int = 3) -> Figure:
    """Panels, `columns` in a row."""
    columns = max(1, min(columns, len(panels)))
    entries = max((len(panel.lines) + len(panel.notes) + 2 for panel in panels), default=1)
    rows = max(1, math.ceil(len(panels) / columns))
    figure, axes = grid(rows, columns, max(4.6, 6.2 / columns), 3.6 + 0.17 * entries, sharey=True)
    for ax, panel in zip(axes, panels, strict=False):
        _draw(ax, panel)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    return figure


def _draw(ax: Axes, panel: CurvePanel) -> None:
    ax.set_title(f"{panel.title}\n{panel.counts}")
    if panel.undefined:
        say(ax, panel.undefined)
        return
    places = {step: _place(step) for step in panel.steps}
    ax.set_xticks(list(places.values()), [str(step) for step in places])
    ax.set(
        ylim=(0.0, 1.02),
        xlabel="answer tokens read (0: last prompt token)",
        ylabel="AUROC among answers to one prompt",
    )
    banded = [(places[step], ends) for step, ends in zip(panel.steps, panel.band, strict=True) if ends]
    ax.fill_between(
        [x for x, _ in banded],
        [low for _, (low, _) in banded],
        [high for _, (_, high) in banded],
        color=BAND,
        linewidth=0,
        label="probe, labels shuffled inside prompts (95 %)",
    )
    ax.axhline(0.5, color=GREY, linewidth=0.9, linestyle=":", label="floor: 0.5")
    for index, line in enumerate(panel.lines):
        shift = 0.06 * (index - (len(panel.lines) - 1) / 2)
        xs = [places[step] + shift for step in line.steps]
        look = cues(index)
        ax.plot(
            xs, line.values, **look, markersize=4.5, linewidth=1.8 if index == 0 else 1.1, label=line.label
        )
        for x, ends in zip(xs, line.intervals, strict=True):
            if ends is not None:
                ax.plot([x, x], ends, color=look["color"], linewidth=0.9, alpha=0.7)
    for note in panel.notes:
        ax.plot([], [], " ", label=note)
    ax.legend(loc="upper left", bbox_to_anchor=(-0.05, -0.16), borderaxespad=0, handlelength=2.4)


def _place(step: int) -> float:
    """Where a number of tokens stands on the axis: doubling is one unit, and 0 stands one before 1."""
    return 0.0 if step == 0 else 1.0 + math.log2(step)
