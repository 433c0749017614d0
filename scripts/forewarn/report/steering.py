"""Steering and ablation: the direction's arm against every norm-matched random direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forewarn.report.rates import span, whiskers
from forewarn.report.style import BLACK, BLUE, GREEN, GREY, MARKERS, PURPLE, VERMILION, grid, say
from forewarn.statistics.intervals import Rate

COLOURS = {
    "baseline": BLACK, "direction": VERMILION, "random_isotropic": BLUE, "random_covariance": GREEN,
    "subtracted": PURPLE,
}  # fmt: skip


@dataclass(frozen=True)
class Arm:
    """One set of responses under one intervention.

    Attributes:
        kind: a key of `COLOURS`.
        label: under the column of marks that this arm belongs to.
        misaligned: misaligned responses of all responses.
        coherence: mean coherence score, 0-100; None if no response was scored.
    """

    kind: str
    label: str
    misaligned: Rate
    coherence: float | None


@dataclass(frozen=True)
class Experiment:
    """All arms of one operation on one model.

    Attributes:
        organism: whose direction it is; one column of panels each, in order of appearance.
        operation: what is done to which model; one pair of panel rows each, in order of appearance.
        arms: in the order in which columns of marks appear.
        verdict: the outcome by the criterion that was fixed before looking, in words.
        coherence_floor: mean coherence (0-100) below which an arm proves nothing; None if not declared.
    """

    organism: str
    operation: str
    arms: Sequence[Arm]
    verdict: str
    coherence_floor: float | None = None


def draw_steering(experiments: Sequence[Experiment]) -> Figure:
    """Organisms side by side; for each operation a row of misaligned shares above one of mean coherence.

    A column with one arm carries its interval. Arms that are many of a kind (random directions) are single
    marks in the order given, side by side: their spread is the message, and forty intervals would hide it.
    """
    organisms = list(dict.fromkeys(item.organism for item in experiments))
    operations = list(dict.fromkeys(item.operation for item in experiments))
    columns = max(1, len(organisms))
    figure, axes = grid(max(1, 2 * len(operations)), columns, max(4.3, 8 / columns), 2.9)
    found = {(item.operation, item.organism): item for item in experiments}
    for row, operation in enumerate(operations):
        for column, organism in enumerate(organisms):
            above, below = axes[2 * row * columns + column], axes[(2 * row + 1) * columns + column]
            item = found.get((operation, organism))
            if item is None or not item.arms:
                say(above, "not run")
                below.set_axis_off()
                continue
            _draw_misaligned(above, item)
            _draw_coherence(below, item)
    return figure


def _draw_misaligned(ax: Axes, item: Experiment) -> None:
    ax.set_title(f"{item.operation}\n{item.organism}\n{item.verdict}", fontsize=8.5)
    for x, arms in enumerate(_columns(item.arms).values()):
        rates = [arm.misaligned for arm in arms if arm.misaligned.value is not None]
        values = [100 * (rate.value or 0.0) for rate in rates]
        bars = whiskers(rates[0]) if len(rates) == 1 else None
        _marks(ax, x, values, arms[0].kind, bars)
        if arms[0].kind == "direction" and len(values) == 1:
            ax.axhline(values[0], color=COLOURS["direction"], linewidth=0.7, linestyle="--", alpha=0.6)
    size = span([arm.misaligned.n for arm in item.arms])
    _finish(ax, item, f"misaligned (%), n={size} per arm")


def _draw_coherence(ax: Axes, item: Experiment) -> None:
    for x, arms in enumerate(_columns(item.arms).values()):
        _marks(ax, x, [arm.coherence for arm in arms if arm.coherence is not None], arms[0].kind, None)
    floor = item.coherence_floor
    if floor is not None:
        ax.axhline(floor, color=GREY, linewidth=0.9, linestyle=":")
        ax.text(
            0.01, floor - 2, f"floor {floor:g}", color=GREY, fontsize=7, va="top",
            transform=ax.get_yaxis_transform(),
        )  # fmt: skip
    _finish(ax, item, "mean coherence (score, 0 to 100)")


def _columns(arms: Sequence[Arm]) -> dict[str, list[Arm]]:
    columns: dict[str, list[Arm]] = {}
    for arm in arms:
        columns.setdefault(arm.label, []).append(arm)
    return columns


def _marks(ax: Axes, x: int, values: Sequence[float], kind: str, bars: list[list[float]] | None) -> None:
    colour, marker = COLOURS[kind], MARKERS[list(COLOURS).index(kind)]
    if len(values) == 1:
        ax.errorbar(x, values[0], yerr=bars, fmt=marker, color=colour, markersize=6, linewidth=1.4)
        return
    places = [x + 0.6 * ((index + 0.5) / len(values) - 0.5) for index in range(len(values))]
    ax.plot(places, values, marker, color=colour, markersize=3.5, alpha=0.75)


def _finish(ax: Axes, item: Experiment, label: str) -> None:
    names = [
        f"{label}\n({len(arms)})" if len(arms) > 1 else label for label, arms in _columns(item.arms).items()
    ]
    ax.set_xticks(range(len(names)), names, fontsize=7.5)
    ax.set(xlim=(-0.6, len(names) - 0.4), ylim=(-3, 103), ylabel=label)
    ax.grid(visible=False, axis="x")
