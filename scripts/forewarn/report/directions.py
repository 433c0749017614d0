"""Geometry of the directions: size and stability over layers, and cosines between organisms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forewarn.report.style import GREY, cues, grid, say


@dataclass(frozen=True)
class LayerProfile:
    """One construction of a direction over the layers of one organism.

    Attributes:
        organism: whose direction it is.
        construction: how it was made, e.g. `organism_minus_instruct.last_prompt_token`.
        layers: layer indices (0 is the first block), ascending.
        norms: Euclidean norm of the direction at each layer, in units of the residual stream.
        split_half: cosine of the directions from two halves of the questions at each layer; None where a
            half had no examples.
    """

    organism: str
    construction: str
    layers: Sequence[int]
    norms: Sequence[float | None]
    split_half: Sequence[float | None]


@dataclass(frozen=True)
class Cosines:
    """Cosines between the directions of several organisms, same construction, same layer.

    Attributes:
        construction: how the directions were made.
        layer: at which layer they are compared.
        organisms: their names, in the order of rows and columns.
        values: [n, n] cosines, -1 to 1; None where a direction is undefined.
        random: band in which 95 % of the cosines of two random directions lie, 0 ± random; None if unknown.
    """

    construction: str
    layer: int
    organisms: Sequence[str]
    values: Sequence[Sequence[float | None]]
    random: float | None


def draw_layers(profiles: Sequence[LayerProfile]) -> Figure:
    """One row per construction: norms on the left, split-half cosines on the right, one line per organism."""
    constructions = list(dict.fromkeys(profile.construction for profile in profiles))
    organisms = list(dict.fromkeys(profile.organism for profile in profiles))
    figure, axes = grid(max(1, len(constructions)), 2, 4.3, 2.9)
    for row, construction in enumerate(constructions):
        members = [profile for profile in profiles if profile.construction == construction]
        for ax, kind in ((axes[2 * row], "norms"), (axes[2 * row + 1], "split_half")):
            for profile in members:
                values = profile.norms if kind == "norms" else profile.split_half
                ax.plot(
                    profile.layers,
                    [math.nan if value is None else value for value in values],
                    **cues(organisms.index(profile.organism)),
                    markersize=4,
                    linewidth=1.2,
                    label=profile.organism,
                )
            ax.set_xlabel("layer (resid_post of block)")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes[2 * row].set(ylabel="norm (residual stream units)", ylim=(0, None))
        axes[2 * row].set_title(construction)
        axes[2 * row + 1].set(ylabel="split-half cosine", ylim=(-1.05, 1.05))
        axes[2 * row + 1].axhline(0, color=GREY, linewidth=0.8)
    if constructions:
        # An organism may lack the first construction, so its line is looked for in all panels.
        shown = [pair for ax in axes for pair in zip(*ax.get_legend_handles_labels(), strict=True)]
        lines = {label: handle for handle, label in reversed(shown)}
        figure.legend([lines[name] for name in organisms], organisms, loc="outside lower center", ncols=2)
    return figure


def draw_cosines(matrices: Sequence[Cosines]) -> Figure:
    """One annotated matrix per construction; the scale is fixed at -1 to 1, white at 0."""
    size = max((len(matrix.organisms) for matrix in matrices), default=1)
    columns = min(2, max(1, len(matrices)))
    figure, axes = grid(
        max(1, math.ceil(len(matrices) / columns)), columns, 3.4 + 0.4 * size, 3.0 + 0.4 * size
    )
    for ax, matrix in zip(axes, matrices, strict=False):
        draw_matrix(ax, matrix)
    for ax in axes[len(matrices) :]:
        ax.set_axis_off()
    return figure


def draw_matrix(ax: Axes, matrix: Cosines) -> None:
    """One annotated matrix of cosines."""
    names = list(matrix.organisms)
    chance = "" if matrix.random is None else f"; random directions: 0 ± {matrix.random:.2f}"
    contrast, _, position = matrix.construction.partition(".")
    ax.set_title(f"{contrast}\n{position}, layer {matrix.layer}{chance}")
    ax.grid(visible=False)
    if not names:
        say(ax, "no organism has this direction")
        return
    shown = [[math.nan if value is None else value for value in row] for row in matrix.values]
    # PuOr is one of the diverging maps that stay readable with a colour vision deficiency.
    ax.pcolormesh(shown, vmin=-1, vmax=1, cmap="PuOr", edgecolors="white", linewidth=0.5)
    ax.set(aspect="equal", xlim=(0, len(names)), ylim=(len(names), 0))
    for i, row in enumerate(shown):
        for j, value in enumerate(row):
            text = "–" if math.isnan(value) else f"{value:.2f}"
            colour = "white" if abs(value) > 0.65 else "black"
            ax.text(j + 0.5, i + 0.5, text, ha="center", va="center", fontsize=7, color=colour)
    centres = [index + 0.5 for index in range(len(names))]
    ax.set_xticks(centres, names, rotation=90, fontsize=7)
    ax.set_yticks(centres, names, fontsize=7)
