"""Draw what the rank-1 adapters of all organisms tell, and what scaling them does."""

from pathlib import Path


def main(
    *,
    readings: list[Path] | Path,
    coefficients: list[Path] | Path,
    figure: Path,
    cosines: list[Path] | Path | None = None,
    scaling: list[Path] | Path | None = None,
) -> None:
    """Write `figure` (SVG).

    Args:
        readings: summaries of the probes (JSON), one per organism.
        coefficients: their coefficients (parquet), in the same order.
        figure: SVG to write.
        cosines: parquet of those organisms whose adapters are here; the name of each begins the file's.
        scaling: JSON of the same.
    """
    from forewarn.files import read_json, read_table
    from forewarn.inputs import several
    from forewarn.report.adapter_readings import AdapterRow, draw_adapter_readings
    from forewarn.report.style import write_figure

    compared = {path.stem.removesuffix("_cosines"): path for path in several(cosines or [])}
    scaled = {path.stem.removesuffix("_scaling"): path for path in several(scaling or [])}
    rows = [
        AdapterRow(
            read_json(summary),
            read_table(table).to_pylist(),
            read_json(scaled[summary.stem]) if summary.stem in scaled else None,
            read_table(compared[summary.stem]).to_pylist() if summary.stem in compared else (),
        )
        for summary, table in zip(several(readings), several(coefficients), strict=True)
    ]
    write_figure(figure, draw_adapter_readings(rows))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
