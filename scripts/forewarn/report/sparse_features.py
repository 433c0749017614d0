"""Sparse features: how sparse a direction is, the nearest features, what shifts, what ablating one does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forewarn.report.style import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILION, grid, percent_axis, say

Content = Mapping[str, Any]
SHOWN = 6
"""Features per panel at most."""
_BELOW: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.18)}
KINDS = {
    "random_isotropic": ("isotropic directions", ORANGE, "|"),
    "random_covariance": ("covariance-matched", GREEN, "x"),
    "random_feature": ("random features", GREY, "d"),
}


@dataclass(frozen=True)
class Decomposed:
    """One organism.

    Attributes:
        organism: its name.
        summary: of its directions and shift (`forewarn.features.organism.read_organism`).
        ablation: of single features (`forewarn.features.ablation.summarise_ablation`).
    """

    organism: str
    summary: Content
    ablation: Content


def draw_sparse_features(
    sae: Content, texts: Sequence[Content], organisms: Sequence[Decomposed], construction: str
) -> Figure:
    """One row per organism: pursuit, cosines, shift, ablations; the autoencoder's quality above.

    Args:
        sae: JSON of the autoencoder.
        texts: of the schema `forewarn.features.quality.TEXTS`; the first of each feature names it.
        organisms: in order.
        construction: of the direction.
    """
    figure, axes = grid(len(organisms), 4, 4.0, 3.8)
    held = sae["held_out"]
    figure.suptitle(
        f"{held['features']} features at layer {sae['layer']}: {_percent(held['explained_variance'])} of the "
        f"variance explained with {held['l0']:.1f} active features per token, {held['dead']} never active "
        f"(n={held['tokens']} held-out tokens)",
        fontsize=9,
    )
    names = {row["feature"]: _name(row) for row in texts if row["rank"] == 1}
    position = construction.partition(".")[2]
    for place, each in enumerate(organisms):
        row = axes[4 * place : 4 * place + 4]
        row[0].set_title(each.organism)
        found = each.summary["constructions"][construction]
        if "undefined" in found:
            for ax in (row[0], row[1], row[3]):
                say(ax, found["undefined"])
        else:
            _pursuit(row[0], found["decomposition"], each.summary["confidence"])
            _cosines(row[1], found, names)
            _ablations(row[3], each.ablation, names)
        _shift(row[2], each.summary["shifts"][position], names, position)
    return figure


def _pursuit(ax: Axes, found: Content, confidence: float) -> None:
    for kind, null in found["null"].items():
        label, colour, _ = KINDS[kind]
        band = null["explained"]
        steps = range(1, len(band["low"]) + 1)
        low, high = ([100 * value for value in band[end]] for end in ("low", "high"))
        text = f"{label}, n={null['count']}, {100 * confidence:g} %, p={null['p_sparse']:.3g}"
        ax.fill_between(steps, low, high, color=colour, alpha=0.3, linewidth=0, label=text)
    shares = [100 * value for value in found["explained"]]
    ax.plot(range(1, len(shares) + 1), shares, color=BLACK, label="direction")
    ax.axvline(found["few"], color=GREY, linestyle=":")
    ax.set(xlabel=f"features of the pursuit (tested at {found['few']})", xscale="log")
    percent_axis(ax, "squared norm explained (%)")
    ax.legend(fontsize=6.5, **_BELOW)


def _cosines(ax: Axes, found: Content, names: Mapping[int, str]) -> None:
    top = found["top"][:SHOWN]
    _bars(ax, top, names, BLUE)
    for kind, null in found["decomposition"]["null"].items():
        label, colour, _ = KINDS[kind]
        critical = null["largest_cosine"]["critical"]
        for sign in (-1, 1):
            text = f"largest of any feature, {label}" if sign > 0 else None
            ax.axvline(sign * critical, color=colour, linestyle="--", label=text)
    ax.set(xlim=(-1.05, 1.05), xlabel=f"cosine with the direction (n={found['n_prompts']} prompts)")
    ax.legend(fontsize=6.5, **_BELOW)


def _shift(ax: Axes, found: Content, names: Mapping[int, str], position: str) -> None:
    _bars(ax, found["top"][:SHOWN], names, VERMILION)
    ax.set_title(f"{found['significant']} of {found['features']} features shift (max-T)", fontsize=8.5)
    where = position.replace("_", " ")
    ax.set(xlabel=f"organism minus instruct, {where}\n(n={found['n_prompts']} prompts; * adjusted p < 0.05)")


def _bars(ax: Axes, rows: Sequence[Content], names: Mapping[int, str], colour: str) -> None:
    ax.axvline(0, color=BLACK, linewidth=0.7)
    for place, row in enumerate(rows):
        if row["low"] is not None:
            ax.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2)
        ax.plot([row["value"]], [place], "o", color=colour, markersize=4)
    star = [("* " if row["adjusted"] is not None and row["adjusted"] < 0.05 else "") for row in rows]
    labels = [mark + _label(row["feature"], names) for mark, row in zip(star, rows, strict=True)]
    ax.set_yticks(range(len(rows)), labels, fontsize=6.5)
    ax.set_ylim(len(rows) - 0.4, -0.6)


def _ablations(ax: Axes, found: Content, names: Mapping[int, str]) -> None:
    rows = [("nothing", found["baseline"], BLACK)]
    rows += [
        (("* " if each["acts"] else "") + _label(each["feature"], names), each, VERMILION)
        for each in found["features"]
    ]
    for place, (_, arm, colour) in enumerate(rows):
        ends = [100 * arm["em"][key] for key in ("low", "rate", "high")]
        ax.plot([ends[0], ends[2]], [place, place], color=colour, linewidth=2)
        ax.plot([ends[1]], [place], "o", color=colour, markersize=4)
    labels = [label for label, _, _ in rows]
    for kind, spread in found["random"].items():
        label, colour, marker = KINDS[kind]
        points = [100 * spread[key] for key in ("least", "mean", "greatest")]
        ax.plot([points[0], points[2]], [len(labels)] * 2, color=colour, linestyle=":")
        ax.plot(points, [len(labels)] * 3, marker, color=colour, linestyle="none", markersize=5)
        labels.append(f"{label} (range of {spread['arms']})")
    ax.set_yticks(range(len(labels)), labels, fontsize=6.5)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    n, asked = found["baseline"]["em"]["n"], found["questions"]
    percent_axis(ax, f"misaligned (%) when ablated\n(n={n} answers to {asked} prompts per arm)", "x")


def _label(feature: int, names: Mapping[int, str]) -> str:
    return f"{feature} {names.get(feature, '(never active)')}"


def _name(row: Content) -> str:
    """The token at which a feature is most active, with a little of what stands before."""
    text = f"{row['before'][-14:]}[{row['token']}]".replace("\n", "↵")
    # Dollar signs would begin a formula, and what has no glyph would be a box.
    return "".join(letter for letter in text if letter.isprintable()).replace("$", "S")


def _percent(value: float | None) -> str:
    return "an undefined share" if value is None or math.isnan(value) else f"{100 * value:.1f} %"
