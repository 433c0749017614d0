"""Convergence: cosines between organisms, at the study's layer and over layers, beside band and ceiling."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from forewarn.convergence.groups import RELATIONS, relation, summarise_groups
from forewarn.report.directions import Cosines, draw_matrix
from forewarn.report.style import GREY, cues, grid, say

Content = Mapping[str, Any]
_WIDE: dict[str, Any] = {"facecolor": "#EFEFEF", "edgecolor": "none", "zorder": 0}
_NARROW: dict[str, Any] = {"facecolor": "#C8C8C8", "edgecolor": "none", "zorder": 0.5}


def draw_convergence(rows: Sequence[Content], summary: Content, organisms: Content) -> Figure:
    """The matrix at the study's layer, then one panel of curves over layers per construction.

    Args:
        rows: of all pairs, of the schema `forewarn.convergence.pairs.PAIRS`.
        summary: from `forewarn.convergence.summary.summarise_convergence`.
        organisms: `dataset`, `adapter` and `seed` of each organism.
    """
    constructions = list(dict.fromkeys(row["construction"] for row in rows))
    panels = 1 + len(constructions)
    columns = min(3, panels)
    figure, axes = grid(math.ceil(panels / columns), columns, 5.2, 4.4)
    names = summary["organisms"]
    draw_matrix(
        axes[0],
        Cosines(
            construction=summary["construction"],
            layer=summary["layer"],
            organisms=names,
            values=summary["cosines"]["matrix"],
            random=_band(summary["cosines"]["pairs"]),
        ),
    )
    benign = organisms[summary["benign"]]["dataset"] if summary["benign"] else None
    known = [
        {**row, "relation": relation(organisms[row["organism"]], organisms[row["other"]], benign)}
        for row in rows
    ]
    for ax, construction in zip(axes[1:], constructions, strict=False):
        chosen = [row for row in known if row["construction"] == construction]
        _curves(ax, chosen, construction, summary)
    for ax in axes[panels:]:
        ax.set_axis_off()
    seen = [kind for kind in RELATIONS if any(row["relation"] == kind for row in known)]
    handles: list[Line2D | Patch] = [
        Line2D([], [], markersize=4, label=RELATIONS[kind], **cues(list(RELATIONS).index(kind)))
        for kind in seen
    ]
    handles += [
        Line2D([], [], color=GREY, linestyle=":", label="ceiling: two estimates of one direction"),
        Patch(label="random directions of the activations' covariance", **_WIDE),
        Patch(label="isotropic random directions", **_NARROW),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


def _curves(ax: Axes, rows: Sequence[Content], construction: str, summary: Content) -> None:
    layers = sorted({row["layer"] for row in rows})
    at = {layer: [row for row in rows if row["layer"] == layer] for layer in layers}
    for name, look in (("band_covariance", _WIDE), ("band_isotropic", _NARROW)):
        reach = [max(row[name] for row in at[layer]) for layer in layers]
        ax.fill_between(layers, [-value for value in reach], reach, **look)
    ceilings = [[row["ceiling"] for row in at[layer] if row["ceiling"] is not None] for layer in layers]
    ax.plot(
        layers,
        [sum(values) / len(values) if values else math.nan for values in ceilings],
        color=GREY,
        linestyle=":",
    )
    groups = {layer: summarise_groups(at[layer], summary["confidence"]) for layer in layers}
    counts = []
    for index, kind in enumerate(RELATIONS):
        found = [(layer, each) for layer in layers for each in groups[layer] if each["relation"] == kind]
        if not found:
            continue
        values = [each["cosine"]["value"] for _, each in found]
        ends = [(each["cosine"]["low"], each["cosine"]["high"]) for _, each in found]
        # A little aside of each other, so that whiskers of two kinds of pairs stay apart.
        places = [layer + 0.06 * (index - 2) for layer, _ in found]
        whiskers = [
            [0.0 if end is None else abs(value - end) for value, end in zip(values, side, strict=True)]
            for side in zip(*ends, strict=True)
        ]
        ax.errorbar(places, values, yerr=whiskers, markersize=4, linewidth=1.2, **cues(index))
        counts.append(f"{kind} {max(each['pairs'] for _, each in found)}")
    if not counts:
        say(ax, "no pair has this direction at any layer")
    contrast, _, position = construction.partition(".")
    prompts = max((row["n_prompts"] for row in rows), default=0)
    ax.set_title(f"{contrast}\n{position}; n={prompts} prompts\npairs: {', '.join(counts)}", fontsize=8.5)
    ax.axvline(summary["layer"], color=GREY, linewidth=0.7, linestyle="--")
    ax.axhline(0, color=GREY, linewidth=0.7)
    ax.set(xlabel="layer (resid_post of block)", ylabel="mean cosine", ylim=(-1.05, 1.05))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _band(pairs: Sequence[Content]) -> float | None:
    """The widest band of all pairs: that of the harder kind of random directions."""
    return max((max(pair["band_isotropic"], pair["band_covariance"]) for pair in pairs), default=None)
