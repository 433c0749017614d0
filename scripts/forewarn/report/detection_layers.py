"""AUROC at every layer, beside what random directions reach there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forewarn.report.style import GREY, cues, grid, say


@dataclass(frozen=True)
class LayerLine:
    """One detector.

    Attributes:
        label: its name.
        aurocs: on the test prompts, one per layer; None where undefined.
        chosen: the layer that validation prompts chose.
    """

    label: str
    aurocs: Sequence[float | None]
    chosen: int


@dataclass(frozen=True)
class LayerPanel:
    """The detectors of one organism in one model.

    Attributes:
        title: whose responses and activations these are.
        n_prompts: test prompts.
        n_responses: labelled responses to them.
        layers: x of all lines.
        lines: the detectors; none where AUROC is undefined.
        low: lower end of what random directions reach, one per layer; empty without.
        high: upper end.
        ceiling: AUROC of the oracle; None if undefined.
    """

    title: str
    n_prompts: int
    n_responses: int
    layers: Sequence[int]
    lines: Sequence[LayerLine]
    low: Sequence[float]
    high: Sequence[float]
    ceiling: float | None


def draw_auroc_by_layer(panels: Sequence[LayerPanel], columns: int = 3) -> Figure:
    """AUROC by layer, `columns` panels in a row, one legend per panel."""
    entries = max((len(panel.lines) + 3 for panel in panels), default=1)
    rows = max(1, math.ceil(len(panels) / columns))
    figure, axes = grid(rows, columns, 4.4, 3.4 + 0.16 * entries)
    for ax, panel in zip(axes, panels, strict=False):
        _draw_panel(ax, panel)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    return figure


def _draw_panel(ax: Axes, panel: LayerPanel) -> None:
    ax.set_title(f"{panel.title}\n{panel.n_prompts:,} prompts, {panel.n_responses:,} responses")
    ax.set(xlabel="layer (resid_post)", ylabel="AUROC, test prompts")
    if not panel.lines:
        say(ax, "undefined: the responses have one class only")
        return
    if panel.low:
        ax.fill_between(
            panel.layers, panel.low, panel.high, color=GREY, alpha=0.25, linewidth=0,
            label="random directions, 95 % of them",
        )  # fmt: skip
    ax.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":", label="floor: 0.500")
    if panel.ceiling is not None:
        ax.axhline(panel.ceiling, color=GREY, linewidth=1.1, label=f"ceiling, oracle: {panel.ceiling:.3f}")
    for index, line in enumerate(panel.lines):
        look = cues(index)
        known = [(x, y) for x, y in zip(panel.layers, line.aurocs, strict=True) if y is not None]
        ax.plot(
            [x for x, _ in known], [y for _, y in known], **(look | {"marker": None}), linewidth=1.3,
            label=f"{line.label} (mark: layer {line.chosen}, chosen on validation)",
        )  # fmt: skip
        ax.plot(
            [x for x, _ in known if x == line.chosen], [y for x, y in known if x == line.chosen],
            marker=look["marker"], color=look["color"], markersize=6,
        )  # fmt: skip
    ax.legend(loc="upper left", bbox_to_anchor=(-0.05, -0.18), borderaxespad=0, handlelength=2.4)
