"""Emergent misalignment and coherence: per subject, and per subject and domain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forewarn.report.style import GREY, MARKERS, SERIES, grid, percent_axis
from forewarn.statistics.intervals import Rate

BAND = "#e3e3e3"
"""Behind a mark: where it would lie within the judge's error."""
AXIS = "% of all responses, 95 % Wilson interval"


@dataclass(frozen=True)
class Mark:
    """One proportion in a figure.

    Attributes:
        panel: what is measured, e.g. `misaligned, test`; one panel each, in order of appearance.
        group: what the subjects of one colour share: `instruct`, or dataset and adapter of the organisms.
        subject: the model that answered; several subjects of a group are its seeds.
        domain: category of the questions, or `all`.
        rate: the proportion with its denominator and interval.
        judge: lowest and highest proportion if all of the judge's scores were off by its error; None of what
            does not rest on thresholds, and of a judge that nobody measured.
    """

    panel: str
    group: str
    subject: str
    domain: str
    rate: Rate
    judge: tuple[float, float] | None = None


def draw_rates(marks: Sequence[Mark]) -> Figure:
    """One row per subject, one panel per measure; the denominator stands at the margin of each panel."""
    panels = list(dict.fromkeys(mark.panel for mark in marks))
    subjects = list(dict.fromkeys(mark.subject for mark in marks))
    groups = list(dict.fromkeys(mark.group for mark in marks))
    columns = min(2, max(1, len(panels)))
    rows = max(1, math.ceil(len(panels) / columns))
    figure, axes = grid(rows, columns, 4.6, 1.0 + 0.26 * len(subjects), sharey=True)
    for ax, panel in zip(axes, panels, strict=False):
        for mark in (mark for mark in marks if mark.panel == panel):
            y = subjects.index(mark.subject)
            if mark.judge is not None:
                low, high = mark.judge
                ax.barh(y, 100 * (high - low), left=100 * low, height=0.6, color=BAND, zorder=0)
            _dot(ax, mark.rate, y, groups.index(mark.group))
            _denominator(ax, mark.rate, y)
        ax.set_title(panel)
        percent_axis(ax, AXIS, axis="x")
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    axes[0].set_yticks(range(len(subjects)), subjects)
    axes[0].set_ylim(len(subjects) - 0.4, -0.6)
    return figure


def draw_domains(marks: Sequence[Mark]) -> Figure:
    """One panel per group, one row per question domain, one marker shape per subject (seed) of the group."""
    domains = list(dict.fromkeys(mark.domain for mark in marks))
    groups = list(dict.fromkeys(mark.group for mark in marks))
    columns = min(3, max(1, len(groups)))
    rows = max(1, math.ceil(len(groups) / columns))
    figure, axes = grid(rows, columns, 3.4, 1.1 + 0.3 * len(domains), sharey=True)
    for colour, (ax, group) in enumerate(zip(axes, groups, strict=False)):
        members = [mark for mark in marks if mark.group == group]
        subjects = list(dict.fromkeys(mark.subject for mark in members))
        for mark in members:
            index = subjects.index(mark.subject)
            offset = (index - (len(subjects) - 1) / 2) * 0.24
            _dot(ax, mark.rate, domains.index(mark.domain) + offset, colour, MARKERS[index % len(MARKERS)])
        seeds = "1 subject" if len(subjects) == 1 else f"{len(subjects)} seeds"
        ax.set_title(f"{group}\n{seeds}, n={span([mark.rate.n for mark in members])} each")
        percent_axis(ax, AXIS, axis="x")
    for ax in axes[len(groups) :]:
        ax.set_axis_off()
    axes[0].set_yticks(range(len(domains)), domains)
    axes[0].set_ylim(len(domains) - 0.4, -0.6)
    return figure


def span(sizes: Sequence[int]) -> str:
    """`40`, or `38 to 40` where sizes differ."""
    low, high = min(sizes), max(sizes)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def whiskers(rate: Rate) -> list[list[float]]:
    """[[below], [above]] the rate in percent points, as matplotlib's `errorbar` takes them."""
    value = rate.value or 0.0
    return [[100 * max(0.0, value - rate.low)], [100 * max(0.0, rate.high - value)]]


def _dot(ax: Axes, rate: Rate, y: float, colour: int, marker: str = "o") -> None:
    if rate.value is None:
        return
    ax.errorbar(
        100 * rate.value, y, xerr=whiskers(rate), fmt=marker,
        color=SERIES[colour % len(SERIES)], markersize=4.5, linewidth=1.2,
    )  # fmt: skip


def _denominator(ax: Axes, rate: Rate, y: float) -> None:
    text = f"n={rate.n:,}" + (f", at most {100 * rate.high:.1f} %" if rate.count == 0 and rate.n else "")
    at_right = rate.n == 0 or rate.high < 0.6
    ax.text(
        102 if at_right else -2,
        y,
        text,
        ha="right" if at_right else "left",
        va="center",
        color=GREY,
        fontsize=7,
    )
