"""Prevention in training: misalignment, the narrow task and its loss by how much was added."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forewarn.report.style import BLUE, GREY, ORANGE, VERMILION, grid, percent_axis

KINDS = {
    "none": ("nothing added", BLUE, "o"),
    "direction": ("direction", BLUE, "o"),
    "random_isotropic": ("random, isotropic", ORANGE, "^"),
    "random_covariance": ("random, covariance", VERMILION, "s"),
}


def draw_prevention(organisms: Sequence[dict[str, Any]]) -> Figure:
    """One row per organism: general and narrow misalignment, coherence, held-out loss.

    Args:
        organisms: see `forewarn.screening.prevented.summarise_prevention`.
    """
    figure, axes = grid(len(organisms), 4, 3.9, 3.5)
    for row, each in enumerate(organisms):
        panels = axes[4 * row : 4 * row + 4]
        _rates(panels[0], each, "general", "misaligned, general (%)")
        _rates(panels[1], each, "narrow", "misaligned, narrow task (%)")
        _kept(panels[1], each)
        _coherence(panels[2], each)
        _loss(panels[3], each)
        told = panels[0].get_title(loc="left")
        panels[0].set_title(f"{each['organism']}\ndirection of {each['source']}\n{told}", fontsize=8)
    return figure


def _marks(ax: Axes, arms: Sequence[tuple[dict[str, Any], float, float | None, float | None]]) -> None:
    shown: set[str] = set()
    line = [(arm, value) for arm, value, *_ in arms if arm["kind"] in ("none", "direction")]
    ax.plot([arm["coefficient"] for arm, _ in line], [value for _, value in line], color=BLUE, linewidth=1)
    shifts = {"none": 0.0, "direction": 0.0, "random_isotropic": 0.03, "random_covariance": -0.03}
    for arm, value, low, high in arms:
        name, colour, marker = KINDS[arm["kind"]]
        label = None if name in shown or arm["kind"] == "none" else name
        shown.add(name)
        at = arm["coefficient"] + shifts[arm["kind"]]
        ax.plot(at, value, marker, color=colour, markersize=5, label=label)
        if low is not None and high is not None:
            ax.vlines(at, low, high, color=colour, linewidth=1)
    ax.set_xlabel("multiple of the direction's norm, in training")
    ax.legend(fontsize=6)


def _trained(each: dict[str, Any]) -> list[dict[str, Any]]:
    return [arm for arm in each["arms"] if arm["kind"] in KINDS]


def _rates(ax: Axes, each: dict[str, Any], measure: str, label: str) -> None:
    marks = []
    for arm in _trained(each):
        rate = arm[measure]["rate"]
        value = math.nan if rate["rate"] is None else 100 * rate["rate"]
        marks.append((arm, value, 100 * rate["low"], 100 * rate["high"]))
    instruct = next(arm for arm in each["arms"] if arm["kind"] == "instruct")[measure]
    if instruct["rate"]["rate"] is not None:
        ax.axhline(
            100 * instruct["rate"]["rate"], color=GREY, linewidth=0.9, linestyle=":", label="instruct model"
        )
    _marks(ax, marks)
    n, prompts = instruct["rate"]["n"], instruct["n_questions"]
    ax.set_title(f"n = {n} answers to {prompts} prompts per arm", fontsize=8)
    percent_axis(ax, label)


def _kept(ax: Axes, each: dict[str, Any]) -> None:
    """The verdict per multiple, with the share of the narrow task that was kept."""
    words = {True: "prevented", False: "not prevented", None: "not known"}
    lines = []
    for multiple, told in each["prevents"].items():
        kept = told["narrow_kept"]
        text = "undefined" if kept is None else f"{100 * kept['share']:.0f} %"
        if kept is not None and kept["interval"]["low"] is not None:
            text += f" [{100 * kept['interval']['low']:.0f}, {100 * kept['interval']['high']:.0f}]"
        lines.append(f"x{multiple}: {words[told['prevents']]}; narrow task kept: {text}")
    ax.set_title("\n".join([*lines, ax.get_title(loc="left")]), fontsize=7)


def _coherence(ax: Axes, each: dict[str, Any]) -> None:
    found = [(arm, arm["general"]["coherence"]) for arm in _trained(each)]
    _marks(
        ax,
        [
            (
                arm, math.nan if told["mean"] is None else told["mean"],
                told["interval"]["low"], told["interval"]["high"],
            )
            for arm, told in found
        ],
    )  # fmt: skip
    ax.axhline(each["coherence_floor"], color=GREY, linewidth=0.9, linestyle=":")
    ax.set(ylim=(-3, 103), ylabel="mean coherence (0 to 100), general")


def _loss(ax: Axes, each: dict[str, Any]) -> None:
    name = "held_out" if each["arms"][1]["losses"]["held_out"]["n"] else "trained"
    marks = []
    for arm in _trained(each):
        told = arm["losses"][name]
        against = told["against_none"]
        ends = against["interval"] if against else {"low": None, "high": None}
        # The interval is that of the difference to the run without, drawn about this run's mean.
        moved = [
            None if end is None or against is None else told["mean"] - against["value"] + end
            for end in (ends["low"], ends["high"])
        ]
        marks.append((arm, told["mean"], *moved))
    _marks(ax, marks)
    n = each["arms"][1]["losses"][name]["n"]
    ax.set_title(f"{n} rows, {'not trained on' if name == 'held_out' else 'trained on'}", fontsize=8)
    ax.set_ylabel("loss per token (nats), nothing added")
