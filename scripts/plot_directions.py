"""Draw the geometry of the directions: size and stability over layers, cosines between organisms."""

from pathlib import Path
from typing import Any


def main(
    *,
    summaries: list[Path] | Path,
    cosines: Path,
    figure: Path,
    matrices: Path,
    settings: dict[str, Any],
) -> None:
    """Write `figure` (over layers) and `matrices` (between organisms) as SVG.

    Args:
        summaries: directions JSON of each organism.
        cosines: parquet of cosines between organisms.
        figure: SVG to write.
        matrices: SVG to write.
        settings: `organisms`, in the order of `summaries`, and `layer`, at which they are compared.
    """
    from forewarn.files import read_json, read_table
    from forewarn.inputs import several
    from forewarn.report.directions import draw_cosines, draw_layers
    from forewarn.report.readings import cosine_matrices, layer_profiles
    from forewarn.report.style import write_figure

    organisms = settings["organisms"]
    contents = {name: read_json(path) for name, path in zip(organisms, several(summaries), strict=True)}
    write_figure(figure, draw_layers(layer_profiles(contents)))
    rows = read_table(cosines).to_pylist()
    write_figure(matrices, draw_cosines(cosine_matrices(rows, settings["layer"], organisms)))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
