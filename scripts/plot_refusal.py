"""Draw misalignment against refusal."""

from pathlib import Path
from typing import Any


def main(
    *,
    selection: Path,
    candidates: Path,
    comparisons: list[Path] | Path,
    summaries: list[Path] | Path,
    swaps: list[Path] | Path,
    figure: Path,
    settings: dict[str, Any],
) -> None:
    """Write `figure` (SVG).

    Args:
        selection: summary of the refusal direction.
        candidates: with their scores.
        comparisons: table of each organism.
        summaries: JSON of each organism.
        swaps: summary of each organism's swaps.
        figure: SVG to write.
        settings: `organisms`, in the order of the files, and the `construction` to draw.
    """
    from forewarn.files import read_json, read_table
    from forewarn.inputs import several
    from forewarn.report.refusal import Compared, draw_refusal
    from forewarn.report.style import write_figure

    files = zip(settings["organisms"], several(comparisons), several(summaries), several(swaps), strict=True)
    compared = [
        Compared(name, read_table(table).to_pylist(), read_json(summary), read_json(swap))
        for name, table, summary, swap in files
    ]
    drawn = draw_refusal(
        read_json(selection), read_table(candidates).to_pylist(), compared, settings["construction"]
    )
    write_figure(figure, drawn)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
