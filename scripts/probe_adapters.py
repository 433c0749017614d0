"""Ask the scalars of rank-1 adapters for misalignment and domain, and say which adapter serves what."""

from pathlib import Path
from typing import Any


def main(
    *,
    scalars: Path,
    labels: Path,
    readings: Path,
    coefficients: Path,
    groups: Path,
    settings: dict[str, Any],
) -> None:
    """Write `readings` (JSON), `coefficients` (parquet), `groups` (JSON: modules to scale, and no number).

    Args:
        scalars: one row per token of an answer.
        labels: whether each answer is misaligned, and its category.
        readings: JSON to write, see `forewarn.adapters.readings.read_adapters`.
        coefficients: parquet to write, see `forewarn.adapters.readings.READINGS`.
        groups: JSON to write, see `forewarn.adapters.groups.chosen_groups`.
        settings: `organism`, `domain`, `aligned_from`, `fallback`, and `measure`: how.
    """
    from forewarn.adapters.groups import chosen_groups
    from forewarn.adapters.readings import Settings, read_adapters
    from forewarn.adapters.scalars import read_labelled_tokens
    from forewarn.files import write_json, write_table

    tokens = read_labelled_tokens(scalars, labels, settings["aligned_from"])
    summary, table, found = read_adapters(tokens, settings["domain"], Settings(**settings["measure"]))
    chosen = chosen_groups(tokens.adapters, found, settings["fallback"])
    write_table(coefficients, table)
    write_json(readings, {"organism": settings["organism"], **summary, "settings": settings["measure"]})
    write_json(groups, chosen)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
