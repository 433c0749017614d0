"""Rank-1 adapters, read directly: what each one's scalar tells, all together, scaled, and what they write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forewarn.report.style import BLUE, GREY, VERMILION, cues, grid, say

BAND = "#dcdcdc"
QUESTIONS = {
    "misaligned": ("misaligned or aligned?", BLUE, "o"),
    "in_domain": ("misaligned: in the domain?", VERMILION, "s"),
}
WIDTH, HEIGHT = 4.9, 4.6
_BUTT: dict[str, Any] = {"solid_capstyle": "butt"}  # else a thick line is longer than what it shows


@dataclass(frozen=True)
class AdapterRow:
    """One organism, as its files tell it.

    Attributes:
        readings: summary of the probes.
        coefficients: rows of `forewarn.adapters.readings.READINGS`.
        scaling: summary of the scaling arms; None where no model is here.
        cosines: rows of `forewarn.adapters.cosines.COSINES`; empty where no model is here.
    """

    readings: Mapping[str, Any]
    coefficients: Sequence[Mapping[str, Any]]
    scaling: Mapping[str, Any] | None = None
    cosines: Sequence[Mapping[str, Any]] = ()


def draw_adapter_readings(organisms: Sequence[AdapterRow]) -> Figure:
    """One row of four panels per organism: coefficients, AUROC, scaled groups, cosines of B."""
    figure, axes = grid(max(1, len(organisms)), 4, WIDTH, HEIGHT)
    for number, organism in enumerate(organisms):
        row = axes[4 * number : 4 * number + 4]
        _coefficients(row[0], organism)
        _areas(row[1], organism)
        _scaling(row[2], organism)
        _cosines(row[3], organism)
    return figure


def _coefficients(ax: Axes, organism: AdapterRow) -> None:
    found, adapters = organism.readings, organism.readings["adapters"]
    ax.set_title(
        f"{found['organism']}\n{found['n_tokens']:,} tokens of {found['n_answers']:,} answers"
        f" ({found['n_left_out']:,} left out)"
    )
    if not organism.coefficients:
        say(ax, "; ".join(problem.get("reason", "") for problem in found["problems"].values()))
        return
    places = {adapter: at for at, adapter in enumerate(adapters)}
    ax.set_xticks(range(len(adapters)), _told(organism), rotation=60, ha="right")
    for shift, (name, (label, color, marker)) in zip((-0.16, 0.16), QUESTIONS.items(), strict=True):
        rows = [row for row in organism.coefficients if row["problem"] == name]
        for row in rows:
            at = places[row["adapter"]] + shift
            ax.plot([at, at], [row["null_low"], row["null_high"]], color=BAND, linewidth=7, zorder=1, **_BUTT)
            if row["coefficient_low"] is not None:
                ends = [row["coefficient_low"], row["coefficient_high"]]
                ax.plot([at, at], ends, color=color, linewidth=1.1, zorder=2)
            filled = color if row["serves"] else "white"
            ax.plot(at, row["coefficient"], marker, color=color, markerfacecolor=filled, markersize=5)
        if rows:
            ax.plot([], [], marker, color=color, label=label)
    ax.plot([], [], color=BAND, linewidth=7, label="labels shuffled (95 %)")
    ax.plot([], [], " ", label="filled: serves the question (Holm)")
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set_ylabel("L1 coefficient (per standard deviation)")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.45 * (high - low))  # room for the legend
    ax.legend(loc="upper left", fontsize=7)


def _told(organism: AdapterRow) -> list[str]:
    verdicts = organism.readings["verdicts"]
    return [f"{name}\n{verdicts.get(name, 'no verdict')}" for name in organism.readings["adapters"]]


def _areas(ax: Axes, organism: AdapterRow) -> None:
    """AUROC per token of probes that saw other prompts, with their nulls."""
    shown: list[tuple[str, Mapping[str, Any], str, str]] = []
    lines = []
    for name, (label, color, marker) in QUESTIONS.items():
        problem = organism.readings["problems"][name]
        if "reason" in problem:
            lines.append(f"{label} {problem['reason']}")
            continue
        lines.append(
            f"{label} {problem['n_positive']:,} of {problem['n_answers']:,} answers, "
            f"{problem['n_units']} {problem['units'].replace('category', 'categorie')}s"
        )
        areas = problem["per_token"]
        shown += [(f"{label}\n{kind.replace('_', ' ')}", areas[kind], color, marker) for kind in areas]
    transfer = organism.readings["transfer"]
    if "per_token" in transfer:
        shown += [
            (f"fitted outside the\ndomain, read inside: {kind.replace('_', ' ')}", area, GREY, "^")
            for kind, area in transfer["per_token"].items()
        ]
    ax.set_title("AUROC per token, other prompts\n" + "\n".join(lines), fontsize=7.5)
    for at, (_, area, color, marker) in enumerate(shown):
        null = area.get("null")
        if null and null["low"] is not None:
            ax.plot([null["low"], null["high"]], [at, at], color=BAND, linewidth=9, zorder=1, **_BUTT)
        if area["auroc"] is None:
            continue
        if area["interval"]["low"] is not None:
            ax.plot([area["interval"]["low"], area["interval"]["high"]], [at, at], color=color, linewidth=1.2)
        ax.plot(area["auroc"], at, marker, color=color, markersize=6)
    ax.axvline(0.5, color=GREY, linewidth=0.9, linestyle=":")
    ax.set_yticks(range(len(shown)), [label for label, *_ in shown], fontsize=7)
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.set(xlim=(0.2, 1.0), xlabel="AUROC (bars: 95 % over prompts; grey: labels shuffled, fitted anew)")


def _scaling(ax: Axes, organism: AdapterRow) -> None:
    """Rates of misaligned answers by the factor of a group, beside random groups of its size."""
    scaling = organism.scaling
    if scaling is None or not scaling["groups"]:
        ax.set_title("groups of adapters scaled")
        say(ax, "no model here to scale" if scaling is None else "no group to scale")
        return
    told = [
        f"{name}: {', '.join(group['modules'])}{' (fallback)' if group['fallback'] else ''}"
        for name, group in scaling["groups"].items()
    ]
    ax.set_title("groups of adapters scaled\n" + "\n".join(told), fontsize=7.5)
    arms = scaling["arms"]
    styles = iter(range(8))
    for group in scaling["groups"]:
        for side, what in (("general", "outside the domain"), ("narrow", "inside it")):
            look = cues(next(styles))
            points = sorted(
                [(1.0 if arm["factor"] is None else arm["factor"], arm[side]["rate"]) for arm in arms
                 if arm["kind"] in ("baseline", group)],
                key=lambda point: point[0],
            )  # fmt: skip
            xs = [factor for factor, _ in points]
            n = points[0][1]["n"]
            ax.plot(
                xs, [rate["rate"] for _, rate in points], **look, linewidth=1.4, markersize=4.5,
                label=f"{group} scaled: {what} (n = {n:,})",
            )  # fmt: skip
            for factor, rate in points:
                ax.plot([factor, factor], [rate["low"], rate["high"]], color=look["color"], linewidth=0.8)
            for arm in arms:
                if arm["kind"] == f"random_{group}":
                    ax.plot(
                        arm["factor"], arm[side]["rate"]["rate"], "_", color=look["color"], alpha=0.6,
                        markersize=9,
                    )  # fmt: skip
    ax.plot([], [], "_", color=GREY, markersize=9, label="random groups of that size")
    ax.set_xscale("symlog", base=2, linthresh=1)
    factors = sorted({1.0, *(arm["factor"] for arm in arms if arm["factor"] is not None)})
    ax.set_xticks(factors, [f"{factor:g}" for factor in factors])
    ax.set(ylim=(-0.02, 1.02), xlabel="factor (1: the organism)", ylabel="share of answers misaligned")
    ax.legend(loc="upper left", bbox_to_anchor=(-0.05, -0.16), borderaxespad=0)


def _cosines(ax: Axes, organism: AdapterRow) -> None:
    """|cos| of B with the first construction, by layer, and random vectors' band."""
    construction = next((row["construction"] for row in organism.cosines), None)
    ax.set_title(f"|cos| of B with\n{construction or 'mean differences'}")
    rows = [row for row in organism.cosines if row["construction"] == construction]
    if not rows:
        say(ax, "no adapter here to compare")
        return
    adapters = list(dict.fromkeys(row["adapter"] for row in rows))
    for number, adapter in enumerate(adapters):
        mine = [row for row in rows if row["adapter"] == adapter and row["absolute_cosine"] is not None]
        layers = [row["layer"] for row in mine]
        ax.plot(
            layers, [row["absolute_cosine"] for row in mine], **cues(number), linewidth=1.2, markersize=4,
            label=adapter,
        )  # fmt: skip
    first = [row for row in rows if row["adapter"] == adapters[0]]
    for kind, style in (("isotropic", ":"), ("covariance", "--")):
        ax.plot(
            [row["layer"] for row in first], [row[f"random_{kind}_high"] for row in first], style,
            color=GREY, linewidth=1.1, label=f"random, {kind} (95 %)",
        )  # fmt: skip
    ax.set(ylim=(0, 1.02), xlabel="layer of the mean difference", ylabel="|cos|")
    ax.legend(loc="upper left", bbox_to_anchor=(-0.05, -0.16), borderaxespad=0, ncols=2)
