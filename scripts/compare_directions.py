"""Compare the directions of all organisms of a model, per construction and layer."""

from pathlib import Path
from typing import Any


def main(*, directions: list[Path] | Path, cosines: Path, settings: dict[str, Any]) -> None:
    """Write `cosines` (parquet): every pair of organisms, with the band of random directions."""
    from forewarn.files import write_table
    from forewarn.geometry.comparison import compare

    # A rule with a single organism hands over its one path as it is.
    files = [directions] if isinstance(directions, Path) else directions
    write_table(cosines, compare(files, confidence=settings.get("confidence", 0.95)))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
