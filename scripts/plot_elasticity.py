"""Draw how organisms return when they are pushed back."""

from pathlib import Path


def main(
    *,
    summaries: list[Path] | Path,
    curves: list[Path] | Path,
    resistance: list[Path] | Path,
    figure: Path,
) -> None:
    """Write `figure` (SVG).

    Args:
        summaries: JSON of each organism.
        curves: tables of the same, in the same order.
        resistance: JSON of the same, in the same order; none where it was not measured.
        figure: SVG to write.
    """
    from forewarn.files import read_json, read_table
    from forewarn.inputs import several
    from forewarn.report.elasticity import Rebound, draw_elasticity
    from forewarn.report.style import write_figure

    resisted = {each["organism"]: each for each in map(read_json, several(resistance))}
    files = zip(several(summaries), several(curves), strict=True)
    read = [(read_json(summary), read_table(table).to_pylist()) for summary, table in files]
    rebounds = [Rebound(summary, rows, resisted.get(summary["organism"])) for summary, rows in read]
    write_figure(figure, draw_elasticity(rebounds))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
