"""Transfer: the matrix of EM rates after ablating one organism's direction in another, beside random ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forewarn.report.style import grid, say

Content = Mapping[str, Any]
NOTHING, RANDOM = "nothing", "random directions"


def draw_transfer(summary: Content) -> Figure:
    """EM rates, their difference from the random directions', and coherence: one annotated matrix each.

    Rows are the organisms that answer, columns whose direction is ablated.

    Args:
        summary: from `forewarn.convergence.summary.summarise_convergence`.
    """
    transfer = summary["transfer"]
    subjects = {each["subject"]: each for each in transfer["subjects"]}
    sources = summary["organisms"]
    cells = {(cell["subject"], cell["source"]): cell for cell in transfer["cells"]}
    size = max(1, len(sources))
    figure, axes = grid(3, 1, 3.8 + 1.0 * size, 2.0 + 0.55 * max(1, len(subjects)))
    if not cells:
        for ax in axes[1:]:
            ax.set_axis_off()
        say(axes[0], "no organism has this direction")
        return figure
    floor = transfer["coherence_floor"]
    with_controls = [NOTHING, RANDOM, *sources]
    n = sorted({cell["em"]["n"] for cell in cells.values()})
    asked = sorted({each["questions"] for each in subjects.values()})
    _draw(
        axes[0], subjects, with_controls, 0, 100, "Oranges",
        lambda who, whose: _rate(subjects[who], cells, whose),
        f"misaligned (%) after ablation, n={_span(n)} answers to {_span(asked)} prompts, "
        f"{100 * summary['confidence']:g} % intervals (Wilson)",
    )  # fmt: skip
    _draw(
        axes[1], subjects, sources, -50, 50, "PuOr",
        lambda who, whose: _difference(cells.get((who, whose))),
        "points from the random directions, interval over prompts; * differs (Holm), "
        f"+ differs at a coherence below {floor:g}",
    )  # fmt: skip
    _draw(
        axes[2], subjects, with_controls, 0, 100, "Greens",
        lambda who, whose: _coherence(subjects[who], cells, whose),
        f"mean coherence (0 to 100; floor {floor:g}); of random directions with the range",
    )  # fmt: skip
    return figure


Shown = tuple[float, str]
_ABSENT: Shown = (math.nan, "–")


def _rate(subject: Content, cells: Mapping[tuple[str, str], Content], whose: str) -> Shown:
    if whose == RANDOM:
        return _spread(subject, "em_rate", 100)
    arm = subject["baseline"] if whose == NOTHING else cells.get((subject["subject"], whose))
    if arm is None or arm["em"]["rate"] is None:
        return _ABSENT
    value, low, high = (100 * arm["em"][key] for key in ("rate", "low", "high"))
    return value, f"{value:.0f}\n[{low:.0f}, {high:.0f}]"


def _coherence(subject: Content, cells: Mapping[tuple[str, str], Content], whose: str) -> Shown:
    if whose == RANDOM:
        return _spread(subject, "mean_coherence", 1)
    arm = subject["baseline"] if whose == NOTHING else cells.get((subject["subject"], whose))
    if arm is None or arm["mean_coherence"] is None:
        return _ABSENT
    return arm["mean_coherence"], f"{arm['mean_coherence']:.0f}"


def _difference(cell: Content | None) -> Shown:
    if cell is None or cell["against_random"] is None:
        return _ABSENT
    found = cell["against_random"]
    value, ends = found["difference"]["value"], found["by_prompt"]
    if value is None:
        return _ABSENT
    mark = ("*" if cell["lowers"] or value > 0 else "+") if cell["differs"] else ""
    if ends["low"] is None:
        return 100 * value, f"{100 * value:+.0f}{mark}"
    return 100 * value, f"{100 * value:+.0f}{mark}\n[{100 * ends['low']:+.0f}, {100 * ends['high']:+.0f}]"


def _spread(subject: Content, key: str, scale: float) -> Shown:
    """Mean and range of all random arms together."""
    kinds = [each for each in subject["random"].values() if each[key]["mean"] is not None]
    if not kinds:
        return _ABSENT
    arms = sum(each["arms"] for each in kinds)
    mean = scale * sum(each["arms"] * each[key]["mean"] for each in kinds) / arms
    least = scale * min(each[key]["least"] for each in kinds)
    greatest = scale * max(each[key]["greatest"] for each in kinds)
    return mean, f"{mean:.0f}\n{least:.0f} to {greatest:.0f}"


def _draw(
    ax: Axes,
    subjects: Mapping[str, Content],
    columns: Sequence[str],
    low: float,
    high: float,
    colours: str,
    shown: Callable[[str, str], Shown],
    title: str,
) -> None:
    table = [[shown(who, whose) for whose in columns] for who in subjects]
    values = [[value for value, _ in row] for row in table]
    ax.pcolormesh(values, vmin=low, vmax=high, cmap=colours, edgecolors="white", linewidth=0.5)
    ax.set(xlim=(0, len(columns)), ylim=(len(subjects), 0))
    ax.grid(visible=False)
    middle, reach = (low + high) / 2, (high - low) / 2
    for y, row in enumerate(table):
        for x, (value, text) in enumerate(row):
            # Sequential maps are dark at their upper end, the diverging one at both.
            dark = abs(value - middle) > 0.65 * reach if low < 0 else value > low + 1.4 * reach
            ax.text(
                x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=7,
                color="white" if dark else "black",
            )  # fmt: skip
    ax.set_xticks([x + 0.5 for x in range(len(columns))], [_short(name) for name in columns], fontsize=6.5)
    ax.set_yticks([y + 0.5 for y in range(len(subjects))], [_short(name) for name in subjects], fontsize=6.5)
    ax.set(xlabel="ablated", ylabel="in")
    ax.set_title(title, fontsize=8.5)


def _short(name: str) -> str:
    """A name of an organism on three lines, as columns are narrow."""
    return name.replace("-", "\n")


def _span(values: Sequence[int]) -> str:
    return f"{values[0]}" if len(values) == 1 else f"{values[0]} to {values[-1]}"
