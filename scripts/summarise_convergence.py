"""Sum up which organisms share a direction, and whose direction acts in whom."""

from pathlib import Path
from typing import Any


def main(
    *, cosines: list[Path] | Path, transfers: list[Path] | Path, summary: Path, settings: dict[str, Any]
) -> None:
    """Write `summary` (JSON).

    Args:
        cosines: parquet of each pair of organisms.
        transfers: JSON of each organism in which directions were ablated.
        summary: JSON to write.
        settings: see `forewarn.convergence.summary.summarise_convergence`.
    """
    from forewarn.convergence.summary import summarise_convergence
    from forewarn.files import read_json, read_table, write_json
    from forewarn.inputs import several

    rows = [row for path in several(cosines) for row in read_table(path).to_pylist()]
    found = [read_json(path) for path in several(transfers)]
    write_json(summary, summarise_convergence(rows, found, settings))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
