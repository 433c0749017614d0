"""Draw the ROC curves of all organisms: what projections at the last prompt token tell in advance."""

from pathlib import Path
from typing import Any


def main(
    *,
    summaries: list[Path] | Path,
    roc: list[Path] | Path,
    figure: Path,
    settings: dict[str, Any],
) -> None:
    """Write `figure` (SVG).

    Args:
        summaries: detection summary of each organism.
        roc: ROC points of each organism, in the same order.
        figure: SVG to write.
        settings: `primary`, the organism, target and direction that were declared before looking.
    """
    from forewarn.files import read_json, read_table
    from forewarn.report.detection import draw_roc
    from forewarn.report.readings import roc_panels, several
    from forewarn.report.style import write_figure

    contents = [read_json(path) for path in several(summaries)]
    points = [read_table(path).to_pylist() for path in several(roc)]
    panels = roc_panels(contents, points, settings["primary"])
    write_figure(figure, draw_roc(panels, columns=min(3, len(contents))))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
