"""The look of all figures, and how they are written: SVG whose bytes depend on the numbers alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forewarn.files import replacing

# Okabe and Ito's palette: eight colours that stay apart under the common colour vision deficiencies.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#8C8C8C"
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
# A second cue beside colour, so that a series is found again in a black-and-white print.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))

SETTINGS: dict[str, Any] = {
    "svg.hashsalt": "forewarn",  # element ids are random without it
    "svg.fonttype": "path",  # glyphs as outlines: the page needs no font of the reader's machine
    "font.family": "DejaVu Sans",  # ships with matplotlib, so every machine draws the same outlines
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def grid(rows: int, columns: int, width: float, height: float, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of `rows` x `columns` panels, each `width` x `height` inches, and its axes row by row."""
    plt.rcParams.update({**matplotlib.rcParamsDefault, **SETTINGS, "backend": "Agg"})
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width * columns, height * rows),
        squeeze=False,
        layout="constrained",
        **options,
    )
    return figure, list(axes.flat)


def write_figure(path: Path, figure: Figure) -> None:
    """Write `figure` as SVG without a date, and release its memory."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)


def cues(index: int) -> dict[str, Any]:
    """Colour, marker and line of the series `index`: no two of the first 49 agree in all three."""
    shift = index + index // len(SERIES)
    return {
        "color": SERIES[index % len(SERIES)],
        "marker": MARKERS[shift % len(MARKERS)],
        "linestyle": LINES[shift % len(LINES)],
    }


def percent_axis(axes: Axes, label: str, axis: str = "y") -> None:
    """Turn one axis into percent from 0 to 100, with a little room for marks at the ends."""
    if axis == "y":
        axes.set(ylim=(-3, 103), ylabel=label)
    else:
        axes.set(xlim=(-3, 103), xlabel=label)


def say(axes: Axes, text: str) -> None:
    """Write `text` into an otherwise empty panel: a result that is undefined is stated, not drawn."""
    axes.text(
        0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY, wrap=True, fontsize=9
    )
