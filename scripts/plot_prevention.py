"""Draw what adding a direction in training prevents, and what it costs."""

from pathlib import Path


def main(*, summaries: list[Path] | Path, figure: Path) -> None:
    """Write `figure` (SVG).

    Args:
        summaries: JSON of each organism.
        figure: SVG to write.
    """
    from forewarn.files import read_json
    from forewarn.inputs import several
    from forewarn.report.prevention import draw_prevention
    from forewarn.report.style import write_figure

    write_figure(figure, draw_prevention(list(map(read_json, several(summaries)))))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
