"""Draw the detection of all organisms: ROC curves, and AUROC by layer."""

from pathlib import Path
from typing import Any


def main(
    *,
    summaries: list[Path] | Path,
    roc: list[Path] | Path,
    figure: Path,
    by_layer: Path,
    settings: dict[str, Any],
) -> None:
    """Write `figure` and `by_layer` (SVG).

    Args:
        summaries: detection summary of each organism.
        roc: ROC points of each organism, in the same order.
        figure: SVG to write, of ROC curves.
        by_layer: SVG to write, of AUROC at every layer.
        settings: `primary`, the organism, target and detector that were declared before looking.
    """
    from forewarn.files import read_json, read_table
    from forewarn.inputs import several
    from forewarn.report.detection import draw_roc
    from forewarn.report.detection_layers import draw_auroc_by_layer
    from forewarn.report.detection_readings import layer_panels, roc_panels
    from forewarn.report.style import write_figure

    contents = [read_json(path) for path in several(summaries)]
    points = [read_table(path).to_pylist() for path in several(roc)]
    panels = roc_panels(contents, points, settings["primary"])
    columns = min(3, len(contents))
    write_figure(figure, draw_roc(panels, columns))
    write_figure(by_layer, draw_auroc_by_layer(layer_panels(contents), columns))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
