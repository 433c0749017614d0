"""Draw what the first tokens of answers tell about the rest, for all organisms."""

from pathlib import Path


def main(*, curves: list[Path] | Path, figure: Path) -> None:
    """Write `figure` (SVG) of the token curves (JSON) of all organisms."""
    from forewarn.files import read_json
    from forewarn.inputs import several
    from forewarn.report.style import write_figure
    from forewarn.report.token_curve import curve_panel, draw_token_curves

    write_figure(figure, draw_token_curves([curve_panel(read_json(path)) for path in several(curves)]))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
