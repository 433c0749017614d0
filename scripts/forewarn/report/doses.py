"""The causal tests in detail: dose curves, single layers, other organisms; misalignment above coherence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from forewarn.report.rates import span, whiskers
from forewarn.report.style import BLACK, BLUE, GREY, VERMILION, grid, say
from forewarn.statistics.intervals import Rate

Series = Literal["nothing", "direction", "direction, prompt alone", "its own direction"]
LOOK: dict[str, dict[str, Any]] = {
    "nothing": {"color": BLACK, "marker": "D", "linestyle": "", "zorder": 3},
    "direction": {"color": VERMILION, "marker": "o", "linestyle": "-"},
    "direction, prompt alone": {"color": BLUE, "marker": "s", "linestyle": "--", "mfc": "white"},
    "its own direction": {"color": BLACK, "marker": "^", "linestyle": "", "mfc": "white"},
}
# A second cue beside the tint, as for the marks.
BANDS: dict[str, dict[str, Any]] = {
    "direction": {"facecolor": "#D0D0D0", "edgecolor": "none"},
    "direction, prompt alone": {"facecolor": "none", "edgecolor": GREY, "hatch": "////", "linewidth": 0.4},
}
Ends = tuple[float, float, float]


@dataclass(frozen=True)
class Mark:
    """One arm, with the random arms beside it.

    Attributes:
        x: dose, or number of the category.
        series: what was done, and where.
        misaligned: misaligned responses of all responses.
        coherence: mean score (0 to 100) and the ends of its interval; None if no response was scored.
        random_misaligned: least, mean and greatest share (0 to 1) of the random arms; None without any.
        random_coherence: the same of their mean coherence (0 to 100).
    """

    x: float
    series: Series
    misaligned: Rate
    coherence: Ends | None
    random_misaligned: Ends | None = None
    random_coherence: Ends | None = None


@dataclass(frozen=True)
class Panel:
    """One experiment.

    Attributes:
        organism: whose direction it is; a pair of rows each, in order of appearance.
        title: what is done to which model.
        label: of the horizontal axis.
        marks: of all arms but the random ones.
        categories: names of the places 0, 1, ...; None for a curve over doses.
        coherence_floor: mean coherence (0 to 100) below which an arm proves nothing.
        undefined: why there is nothing to draw; None if there is.
    """

    organism: str
    title: str
    label: str
    marks: Sequence[Mark]
    categories: Sequence[str] | None = None
    coherence_floor: float | None = None
    undefined: str | None = None


def draw_doses(panels: Sequence[Panel]) -> Figure:
    """For each organism a row of misaligned shares above one of mean coherence, one column per experiment."""
    organisms = list(dict.fromkeys(panel.organism for panel in panels))
    rows = {name: [panel for panel in panels if panel.organism == name] for name in organisms}
    columns = max(1, *(len(row) for row in rows.values())) if rows else 1
    figure, axes = grid(max(1, 2 * len(rows)), columns, 4.1, 2.8)
    for row, chosen in enumerate(rows.values()):
        above, below = (axes[start * columns : (start + 1) * columns] for start in (2 * row, 2 * row + 1))
        for ax in [*above[len(chosen) :], *below[len(chosen) :]]:
            ax.set_axis_off()
        for panel, upper, lower in zip(chosen, above, below, strict=False):
            upper.set_title(f"{panel.organism}\n{panel.title}", fontsize=8.5)
            if panel.undefined is not None:
                say(upper, panel.undefined)
                lower.set_axis_off()
                continue
            _draw_misaligned(upper, panel)
            _draw_coherence(lower, panel)
    seen = {mark.series for panel in panels for mark in panel.marks}
    handles = [Line2D([], [], label=name, **look) for name, look in LOOK.items() if name in seen]
    bands = [Patch(label=f"random, as the {name}", **look) for name, look in BANDS.items() if name in seen]
    figure.legend(handles=[*handles, *bands], loc="outside lower center", ncols=6)
    return figure


def _draw_misaligned(ax: Axes, panel: Panel) -> None:
    for name, marks in _series(panel).items():
        shares = [(mark, mark.misaligned.value) for mark in marks if mark.misaligned.value is not None]
        bars = [whiskers(mark.misaligned) for mark, _ in shares]
        _draw(ax, panel, name, [mark.x for mark, _ in shares], [100 * share for _, share in shares], bars)
        bands = {m.x: m.random_misaligned for m in marks if m.random_misaligned is not None}
        _band(ax, panel, name, {x: _scaled(ends, 100) for x, ends in bands.items()})
    size = span([mark.misaligned.n for mark in panel.marks])
    _finish(ax, panel, f"misaligned (%), n={size} per arm")


def _draw_coherence(ax: Axes, panel: Panel) -> None:
    for name, marks in _series(panel).items():
        known = [(mark.x, mark.coherence) for mark in marks if mark.coherence is not None]
        bars = [[[max(0.0, mean - low)], [max(0.0, high - mean)]] for _, (mean, low, high) in known]
        _draw(ax, panel, name, [x for x, _ in known], [ends[0] for _, ends in known], bars)
        _band(ax, panel, name, {m.x: m.random_coherence for m in marks if m.random_coherence is not None})
    if panel.coherence_floor is not None:
        ax.axhline(panel.coherence_floor, color=GREY, linewidth=0.9, linestyle=":")
    _finish(ax, panel, "mean coherence (score, 0 to 100)")


def _series(panel: Panel) -> dict[Series, list[Mark]]:
    series: dict[Series, list[Mark]] = {}
    for mark in sorted(panel.marks, key=lambda mark: mark.x):
        series.setdefault(mark.series, []).append(mark)
    return series


def _draw(
    ax: Axes, panel: Panel, name: str, x: list[float], values: list[float], bars: list[list[list[float]]]
) -> None:
    look = LOOK[name] if panel.categories is None else LOOK[name] | {"linestyle": ""}
    shift = 0.0 if panel.categories is None else 0.18 * (list(LOOK).index(name) - 1)
    places = [place + shift for place in x]
    ax.plot(places, values, markersize=5.5, linewidth=1.3, **look)
    for place, value, bar in zip(places, values, bars, strict=True):
        ax.errorbar(place, value, yerr=bar, fmt="none", ecolor=look["color"], elinewidth=1.1)


def _band(ax: Axes, panel: Panel, name: str, ends: dict[float, Ends]) -> None:
    """Least to greatest of the random arms, and their mean as a line."""
    if not ends:
        return
    look = BANDS[name]
    low, mean, high = (list(side) for side in zip(*ends.values(), strict=True))
    if panel.categories is None:
        ax.fill_between(list(ends), low, high, zorder=0, **look)
        ax.plot(list(ends), mean, color=GREY, linewidth=1, linestyle=LOOK[name]["linestyle"], zorder=1)
        return
    for x, below, middle, above in zip(ends, low, mean, high, strict=True):
        ax.bar(x, max(above - below, 0.4), bottom=below, width=0.7, zorder=0, **look)
        ax.plot([x - 0.35, x + 0.35], [middle, middle], color=GREY, linewidth=1, zorder=1)


def _scaled(ends: Ends, factor: float) -> Ends:
    low, mean, high = (factor * value for value in ends)
    return low, mean, high


def _finish(ax: Axes, panel: Panel, label: str) -> None:
    if panel.categories is not None:
        ax.set_xticks(range(len(panel.categories)), panel.categories, fontsize=7)
        ax.set_xlim(-0.6, len(panel.categories) - 0.4)
        ax.grid(visible=False, axis="x")
    else:
        doses = sorted({mark.x for mark in panel.marks})
        ax.set_xticks(doses, [f"{dose:g}" for dose in doses])
    ax.set(ylim=(-3, 103), ylabel=label, xlabel=panel.label)
