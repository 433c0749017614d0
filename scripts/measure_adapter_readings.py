"""Measure how well the scalars of rank-1 adapters tell misaligned answers, and those of the domain."""

from pathlib import Path
from typing import Any


def main(
    *,
    scalars: Path,
    labels: Path,
    coefficients: Path,
    readings: Path,
    summary: Path,
    settings: dict[str, Any],
) -> None:
    """Write `readings` (parquet, one row per question and adapter) and `summary` (JSON).

    Args:
        scalars: one row per token of an answer.
        labels: whether each answer is misaligned, and its category.
        coefficients: of the same, see `forewarn.adapters.serving.COEFFICIENTS`.
        readings: parquet to write, see `forewarn.adapters.readings.READINGS`.
        summary: JSON to write, see `forewarn.adapters.readings.read_adapters`.
        settings: `organism`, `domain`, `aligned_from`, and `measure`: how.
    """
    from forewarn.adapters.readings import Settings, read_adapters
    from forewarn.adapters.scalars import read_labelled_tokens
    from forewarn.adapters.serving import COEFFICIENTS
    from forewarn.files import write_json, write_table
    from forewarn.statistics.tables import read_columns

    tokens = read_labelled_tokens(scalars, labels, settings["aligned_from"])
    held = read_columns(coefficients, COEFFICIENTS)
    found, table = read_adapters(tokens, settings["domain"], held, Settings(**settings["measure"]))
    write_table(readings, table)
    write_json(summary, {"organism": settings["organism"], **found, "settings": settings["measure"]})


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
