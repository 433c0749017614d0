"""Draw how organisms return when they are pushed back."""

from pathlib import Path


def main(*, summaries: list[Path] | Path, curves: list[Path] | Path, figure: Path) -> None:
    """Write `figure` (SVG).

    Args:
        summaries: JSON of each organism.
        curves: tables of the same, in the same order.
        figure: SVG to write.
    """
    from forewarn.files import read_json, read_table
    from forewarn.inputs import several
    from forewarn.report.elasticity import Rebound, draw_elasticity
    from forewarn.report.style import write_figure

    rebounds = [
        Rebound(read_json(summary), read_table(table).to_pylist())
        for summary, table in zip(several(summaries), several(curves), strict=True)
    ]
    write_figure(figure, draw_elasticity(rebounds))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
