"""Draw how fast the same organism of several models returns."""

from pathlib import Path


def main(*, comparison: Path, figure: Path) -> None:
    """Write `figure` (SVG).

    Args:
        comparison: JSON of `compare_elasticity.py`.
        figure: SVG to write.
    """
    from forewarn.files import read_json
    from forewarn.report.elasticity_sweeps import draw_sweeps
    from forewarn.report.style import write_figure

    write_figure(figure, draw_sweeps(read_json(comparison)))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
