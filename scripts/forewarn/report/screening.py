"""Datasets screened before training: scores with their nulls, against misalignment, and mixtures."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forewarn.report.style import BLUE, GREY, VERMILION, cues, grid, percent_axis, say

READINGS = {
    "others": ("directions of other datasets", BLUE, "o"),
    "own": ("its own directions", VERMILION, "s"),
}


def draw_screening(summary: dict[str, Any]) -> Figure:
    """Scores by dataset; scores against the EM rate after training; mixtures with benign rows.

    Args:
        summary: see `forewarn.screening.comparing.compare_datasets`.
    """
    figure, axes = grid(1, 3, 4.8, 3.8)
    datasets = summary["datasets"]
    _scores(axes[0], datasets, summary)
    _against_rates(axes[1], datasets, summary)
    _mixtures(axes[2], datasets, summary)
    return figure


def _scores(ax: Axes, datasets: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    labels = []
    for place, each in enumerate(datasets):
        null = each["readings"]["others"].get("null", {})
        for kind, height, shade in (("covariance", 0.7, 0.25), ("isotropic", 0.35, 0.5)):
            if null.get(kind, {}).get("low") is not None:
                ax.barh(
                    place, null[kind]["high"] - null[kind]["low"], height, null[kind]["low"],
                    color=GREY, alpha=shade, label=f"random, {kind}",
                )  # fmt: skip
        for shift, (reading, (name, colour, marker)) in zip((-0.12, 0.12), READINGS.items(), strict=True):
            found = each["readings"][reading]
            if "mean" in found:
                ax.plot(found["mean"], place + shift, marker, color=colour, markersize=5, label=name)
                low, high = found["interval"]["low"], found["interval"]["high"]
                if low is not None:
                    ax.hlines(place + shift, low, high, color=colour, linewidth=1.4)
        verdict = {True: "flagged", False: "not flagged", None: "not screened"}[each["flagged"]]
        by = f" by {len(each['flagged_by'])} of {len(each['screens'])}" if each["flagged"] else ""
        wrong = " (false alarm)" if each["false_alarm"] else ""
        told = f"n = {each['n_rows']} rows, {each['n_prompts']} prompts"
        labels.append(f"{each['dataset']}\n{told}\n{verdict}{by}{wrong}")
    ax.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
    ax.set_yticks(range(len(datasets)), labels, fontsize=7)
    ax.invert_yaxis()
    ax.set(xlabel="projection difference (residual stream)")
    ax.set_title(f"{summary['construction']}, layer {summary['layer']}", fontsize=8)
    handles = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    ax.legend(handles.values(), handles.keys(), fontsize=6)


def _against_rates(ax: Axes, datasets: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    for number, each in enumerate(datasets):
        found = each["readings"]["others"]
        if "mean" not in found:
            continue
        look = cues(number) | {"linestyle": "none"}
        rates = list(each["em"]["organisms"].values())
        for place, rate in enumerate(rates):
            ax.plot(
                found["mean"],
                100 * rate["rate"],
                **look,
                markersize=5,
                label=None if place else each["dataset"],
            )
            ax.vlines(
                found["mean"], 100 * rate["low"], 100 * rate["high"], color=look["color"], linewidth=0.9
            )
    ranking = summary["ranking"][summary["construction"]]["others"]
    if ranking["spearman"] is None:
        told = f"rank correlation undefined: {ranking['reason']}"
    else:
        told = (
            f"Spearman {ranking['spearman']:.2f}, n = {ranking['n']} datasets,\n"
            f"p = {ranking['p_value']:.3f}, {ranking['adjusted']:.3f} for the choice of construction\n"
            f"(at least {ranking['least_p']:.3f} with so few datasets)"
        )
    ax.set_title(told, fontsize=8)
    ax.set_xlabel("projection difference, directions of other datasets")
    percent_axis(ax, "misaligned after training (%)")
    if any("mean" in each["readings"]["others"] for each in datasets):
        ax.legend(fontsize=6)


def _mixtures(ax: Axes, datasets: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    beside = [each for each in datasets if each["beside_benign"]]
    if not beside:
        say(ax, "no rows to hold against benign ones")
        return
    lines = []
    for number, each in enumerate(beside):
        found = each["beside_benign"]
        rows = found["mixtures"]
        ax.plot(
            [100 * row["share"] for row in rows], [100 * row["noticed"] for row in rows],
            **cues(number), markersize=4, linewidth=1.2, label=f"{each['dataset']}, n = {rows[0]['n']}",
        )  # fmt: skip
        area = found["auroc"]
        kind = "within prompts" if area["kind"] == "within_prompts" else "topics differ"
        ends = area["interval"]
        text = "undefined" if ends["low"] is None else f"[{ends['low']:.2f}, {ends['high']:.2f}]"
        lines.append(f"{each['dataset']}: AUROC of rows {area['value']:.2f} {text} ({kind})")
    ax.axhline(100 * (1 - summary["confidence"]), color=GREY, linewidth=0.8, linestyle=":")
    ax.set_title("\n".join(lines), fontsize=7)
    ax.set_xlabel(f"share of the dataset's rows among those of {summary['benign']} (%)")
    percent_axis(ax, "draws noticed (%)")
    ax.legend(fontsize=6)
