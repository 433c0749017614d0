"""ROC curves of projections at the last prompt token: one panel per organism and reading model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forewarn.report.style import GREY, cues, grid, say


@dataclass(frozen=True)
class RocCurve:
    """One ROC curve over the responses of a panel.

    Attributes:
        label: what scored the prompts: construction and layer.
        false_positive_rate: x of the points, 0-1, ascending.
        true_positive_rate: y of the points, 0-1, as long as x.
        auroc: area under the curve.
        interval: prompt-clustered bootstrap interval of the area; None if it is undefined.
        null: area that 97.5 % of random directions stay below; None if there is none.
        primary: whether this is the direction that was declared before looking.
    """

    label: str
    false_positive_rate: Sequence[float]
    true_positive_rate: Sequence[float]
    auroc: float
    interval: tuple[float, float] | None
    null: float | None
    primary: bool = False


@dataclass(frozen=True)
class RocPanel:
    """The labelled responses of one model to the test prompts, and the curves over them.

    Attributes:
        title: whose responses and activations these are.
        n_prompts: test prompts.
        n_responses: labelled responses to them.
        n_misaligned: how many of these are misaligned.
        curves: those that are defined.
        notes: further lines of the legend, e.g. the best baseline.
        ceiling: the curve of an oracle; None if it is undefined.
        undefined: why there is no curve at all; empty if there is one.
    """

    title: str
    n_prompts: int
    n_responses: int
    n_misaligned: int
    curves: Sequence[RocCurve]
    notes: Sequence[str] = field(default_factory=tuple)
    ceiling: RocCurve | None = None
    undefined: str = ""


def draw_roc(panels: Sequence[RocPanel], columns: int = 3) -> Figure:
    """ROC panels, `columns` in a row."""
    entries = max((len(panel.curves) * 2 + len(panel.notes) + 3 for panel in panels), default=1)
    rows = max(1, math.ceil(len(panels) / columns))
    figure, axes = grid(rows, columns, 4.4, 4.4 + 0.16 * entries)
    for ax, panel in zip(axes, panels, strict=False):
        _draw_panel(ax, panel)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    return figure


def _draw_panel(ax: Axes, panel: RocPanel) -> None:
    ax.set_title(
        f"{panel.title}\n{panel.n_prompts:,} prompts, {panel.n_misaligned:,} of"
        f" {panel.n_responses:,} responses misaligned"
    )
    ax.set(
        xlim=(-0.01, 1.01),
        ylim=(-0.01, 1.01),
        aspect="equal",
        xlabel="false positive rate (share of other responses)",
        ylabel="true positive rate (share of misaligned responses)",
    )
    if not panel.curves:
        say(ax, "\n".join(_wrapped(panel.undefined or "undefined")))
        return
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":", label="floor: AUROC 0.500")
    if panel.ceiling is not None:
        ax.plot(
            panel.ceiling.false_positive_rate, panel.ceiling.true_positive_rate,
            color=GREY, linewidth=1.1, linestyle="-", label=describe(panel.ceiling),
        )  # fmt: skip
    for index, curve in enumerate(panel.curves):
        ax.plot(
            curve.false_positive_rate,
            curve.true_positive_rate,
            **(cues(index) | {"marker": None}),
            linewidth=2.2 if curve.primary else 1.1,
            label=describe(curve),
        )
    for note in panel.notes:
        ax.plot([], [], " ", label=note)
    ax.legend(loc="upper left", bbox_to_anchor=(-0.05, -0.14), borderaxespad=0, handlelength=2.4)


def describe(curve: RocCurve) -> str:
    """The legend entry of a curve: its area with interval, and the null it has to clear."""
    text = f"{curve.label}{' (primary)' if curve.primary else ''}\nAUROC {curve.auroc:.3f}"
    if curve.interval is not None:
        text += f" [{curve.interval[0]:.3f}, {curve.interval[1]:.3f}]"
    if curve.null is not None:
        text += f"; random directions 97.5 %: {curve.null:.3f}"
    return text


def _wrapped(text: str, width: int = 42) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
