"""Misalignment against refusal: the candidates, then for each organism cosines, subspaces and swaps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forewarn.report.style import BLUE, GREEN, GREY, ORANGE, VERMILION, cues, grid, percent_axis, say

MEASURES = {
    "em": "misaligned answers",
    "refusal": "refused, harmful",
    "over_refusal": "refused, harmless",
    "refusal_of_questions": "refused, questions",
}
ARMS = {
    "baseline": ("baseline", GREY, "o"),
    "refusal_direction": ("refusal ablated", VERMILION, "s"),
    "direction": ("misalignment ablated", BLUE, "^"),
    "random": ("random ablated", ORANGE, "|"),
}


@dataclass(frozen=True)
class Compared:
    """One organism beside refusal.

    Attributes:
        organism: its name.
        rows: of the comparison's table, as mappings.
        summary: of the comparison.
        swaps: summary of the swaps.
    """

    organism: str
    rows: Sequence[dict[str, Any]]
    summary: dict[str, Any]
    swaps: dict[str, Any]


def draw_refusal(
    selection: dict[str, Any],
    candidates: Sequence[dict[str, Any]],
    organisms: Sequence[Compared],
    construction: str,
) -> Figure:
    """First row: the candidates by their scores. Then one row per organism.

    Args:
        selection: summary of the refusal direction.
        candidates: rows of the candidate table.
        organisms: each held against it.
        construction: of the direction of misalignment that is drawn.
    """
    figure, axes = grid(1 + len(organisms), 3, 4.6, 3.4)
    _candidates(axes[0], selection, candidates, "ablated", "refusal score, harmful (log odds)")
    _candidates(axes[1], selection, candidates, "induced", "refusal score, harmless (log odds)")
    axes[0].set_title("Direction ablated everywhere")
    axes[1].set_title("Direction added after its block")
    _choice(axes[2], selection)
    for row, each in enumerate(organisms, start=1):
        _cosines(axes[3 * row], each, construction)
        _subspaces(axes[3 * row + 1], each)
        _swaps(axes[3 * row + 2], each)
    return figure


def _candidates(
    ax: Axes, selection: dict[str, Any], rows: Sequence[dict[str, Any]], score: str, label: str
) -> None:
    own = [row for row in rows if row["kind"] == "difference"]
    if not own:
        say(ax, selection["reason"] or "no candidate")
        return
    for number, position in enumerate(sorted({row["position"] for row in own}, reverse=True)):
        those = [row for row in own if row["position"] == position]
        ax.plot(
            [row["layer"] for row in those],
            [_number(row[score]) for row in those],
            **cues(number),
            markersize=4,
            linewidth=1.0,
            label=f"position {position}",
        )
    randoms = [row for row in rows if row["kind"] != "difference"]
    ax.plot(
        [row["layer"] for row in randoms],
        [_number(row[score]) for row in randoms],
        "_", color=GREY, markersize=9, label="random directions",
    )  # fmt: skip
    chosen = selection["carried"]
    if chosen is not None:
        low, high = (_number(chosen[f"{score}_{end}"]) for end in ("low", "high"))
        ax.vlines(chosen["layer"], low, high, color="black", linewidth=1.4)
    ax.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    n = own[0]["n_harmful" if score == "ablated" else "n_harmless"]
    ax.set(xlabel=f"layer (resid_post of block); n = {n} requests", ylabel=label)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(fontsize=6)


def _choice(ax: Axes, selection: dict[str, Any]) -> None:
    """The selection in words."""
    carried, rejected = selection["carried"], selection["rejected"]
    lines = [f"{selection['passing']} of {selection['candidates']} candidates pass"]
    lines += [f"rejected by {rule}: {count}" for rule, count in rejected.items()]
    for kind, counts in selection["random"].items():
        lines.append(f"{kind}: {counts['passing']} of {counts['candidates']} pass")
    if carried is not None:
        state = "chosen" if selection["passes"] else "none passes; carried"
        lines.append(f"{state}: position {carried['position']}, layer {carried['layer']}")
        lines.append(f"KL {carried['kl']:.3f} [{carried['kl_low']:.3f}, {carried['kl_high']:.3f}]")
    else:
        lines.append("no refusal direction")
    ax.set_axis_off()
    ax.text(0.02, 0.95, "\n".join(lines), transform=ax.transAxes, va="top", fontsize=8)


def _cosines(ax: Axes, each: Compared, construction: str) -> None:
    ax.set_title(f"{each.organism}\n{construction}", fontsize=8)
    rows = [row for row in each.rows if row["construction"] == construction]
    if not rows:
        say(ax, each.summary["undefined"] or "no such direction")
        return
    own = [row for row in rows if row["reading"] == "by_layer"]
    layers = [row["layer"] for row in own]
    for kind, shade in (("isotropic", 0.35), ("covariance", 0.18)):
        low, high = ([_number(row[f"{kind}_{end}"]) for row in own] for end in ("low", "high"))
        ax.fill_between(layers, low, high, color=GREY, alpha=shade, linewidth=0, label=f"random, {kind}")
    for number, reading in enumerate(("by_layer", "chosen")):
        those = [row for row in rows if row["reading"] == reading]
        values = [_number(row["cosine"]) for row in those]
        ends = [
            [value - _number(row["low"]) for value, row in zip(values, those, strict=True)],
            [_number(row["high"]) - value for value, row in zip(values, those, strict=True)],
        ]
        look = cues(number)
        shifted = [row["layer"] + 0.08 * number for row in those]
        ax.errorbar(shifted, values, yerr=ends, **look, markersize=4, linewidth=1.2, capsize=2, label=reading)
    ceilings = [_number(row["ceiling"]) for row in own]
    for sign in (1, -1):
        ax.plot(layers, [sign * value for value in ceilings], color=GREEN, linewidth=0.9, linestyle=":")
    n = ", ".join(f"{count} {name}" for name, count in each.summary["n"].items())
    ax.set(ylim=(-1.05, 1.05), ylabel="cosine with refusal", xlabel=f"layer; n = {n} requests")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(fontsize=6)


def _subspaces(ax: Axes, each: Compared) -> None:
    ax.set_title("Overlap of subspaces (mean squared principal cosine)", fontsize=8)
    rows = [row for row in each.summary.get("subspaces", {}).get("layers", []) if row["overlap"] is not None]
    if not rows:
        say(ax, "no subspaces to compare")
        return
    layers = [row["layer"] for row in rows]
    values = [row["overlap"] for row in rows]
    ends = [
        [value - _number(row["low"]) for value, row in zip(values, rows, strict=True)],
        [_number(row["high"]) - value for value, row in zip(values, rows, strict=True)],
    ]
    ax.errorbar(layers, values, yerr=ends, **cues(0), markersize=4, linewidth=1.2, capsize=2, label="overlap")
    for number, kind in enumerate(("isotropic", "covariance"), start=1):
        high = [row["random"][kind]["overlap_high"] for row in rows]
        ax.plot(layers, high, **(cues(number) | {"color": GREY}), markersize=3, linewidth=0.9,
                label=f"random, {kind}: upper end")  # fmt: skip
    sizes = rows[0]["dimensions"]
    ax.set(
        ylim=(0, 1.02),
        ylabel="overlap",
        xlabel=f"layer; {sizes['refusal']} and {sizes['misalignment']} dimensions",
    )
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(fontsize=6)


def _swaps(ax: Axes, each: Compared) -> None:
    arms = each.swaps["arms"]
    places = [
        (subject, measure)
        for subject in dict.fromkeys(arm["subject"] for arm in arms)
        for measure in MEASURES
        if any((arm["subject"], arm["measure"]) == (subject, measure) for arm in arms)
    ]
    offsets = {"baseline": -0.24, "refusal_direction": -0.08, "direction": 0.08, "random": 0.24}
    labels, shown = [], set()
    for place, (subject, measure) in enumerate(places):
        those = [arm for arm in arms if (arm["subject"], arm["measure"]) == (subject, measure)]
        for arm in those:
            kind = "random" if arm["kind"].startswith("random") else arm["kind"]
            name, colour, marker = ARMS[kind]
            rate, at = arm["rate"], place + offsets[kind]
            label = None if kind in shown else name
            shown.add(kind)
            ax.plot(
                [100 * rate["rate"]], [at], marker, color=colour, markersize=5, label=label, linestyle="none"
            )
            if kind != "random":
                ax.hlines(at, 100 * rate["low"], 100 * rate["high"], color=colour, linewidth=1.2)
        who = "instruct" if subject == "instruct" else "organism"
        labels.append(f"{who}: {MEASURES[measure]}\nn = {those[0]['rate']['n']}")
    passes = "" if each.swaps["refusal"]["passes"] else " (refusal direction: none passes the rules)"
    ax.set_title(f"Swaps{passes}", fontsize=8)
    ax.set_yticks(range(len(places)), labels, fontsize=6)
    ax.invert_yaxis()
    percent_axis(ax, "percent of answers, with Wilson intervals", axis="x")
    ax.legend(fontsize=6)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
