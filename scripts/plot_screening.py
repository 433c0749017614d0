"""Draw what screening datasets tells before training."""

from pathlib import Path


def main(*, summary: Path, figure: Path) -> None:
    """Write `figure` (SVG).

    Args:
        summary: all datasets' scores beside the misalignment they cause.
        figure: SVG to write.
    """
    from forewarn.files import read_json
    from forewarn.report.screening import draw_screening
    from forewarn.report.style import write_figure

    write_figure(figure, draw_screening(read_json(summary)))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
