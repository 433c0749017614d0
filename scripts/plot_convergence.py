"""Draw which organisms share a direction, and what ablating one's does in another."""

from pathlib import Path
from typing import Any


def main(
    *,
    cosines: list[Path] | Path,
    summary: Path,
    figure: Path,
    transfer: Path,
    settings: dict[str, Any],
) -> None:
    """Write `figure` (cosines) and `transfer` (EM rates after ablation) as SVG.

    Args:
        cosines: parquet of each pair of organisms.
        summary: JSON of the whole analysis.
        figure: SVG to write.
        transfer: SVG to write.
        settings: `organisms`, the `dataset`, `adapter` and `seed` of each.
    """
    from forewarn.files import read_json, read_table
    from forewarn.inputs import several
    from forewarn.report.convergence import draw_convergence
    from forewarn.report.style import write_figure
    from forewarn.report.transfer import draw_transfer

    content = read_json(summary)
    rows = [row for path in several(cosines) for row in read_table(path).to_pylist()]
    write_figure(figure, draw_convergence(rows, content, settings["organisms"]))
    write_figure(transfer, draw_transfer(content))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
