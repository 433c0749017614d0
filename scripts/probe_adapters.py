"""Put two questions to the scalars of rank-1 adapters, and say which adapter serves which."""

from pathlib import Path
from typing import Any


def main(*, scalars: Path, labels: Path, coefficients: Path, groups: Path, settings: dict[str, Any]) -> None:
    """Write `coefficients` (parquet) and `groups` (JSON: the modules to scale, and no number).

    Args:
        scalars: one row per token of an answer.
        labels: whether each answer is misaligned, and its category.
        coefficients: parquet to write, see `forewarn.adapters.serving.COEFFICIENTS`.
        groups: JSON to write, see `forewarn.adapters.groups.chosen_groups`.
        settings: `domain`, `aligned_from`, `fallback`, and `probing`: how to fit.
    """
    from forewarn.adapters.groups import chosen_groups
    from forewarn.adapters.scalars import read_labelled_tokens
    from forewarn.adapters.serving import Probing, probe_adapters
    from forewarn.files import write_json, write_table

    tokens = read_labelled_tokens(scalars, labels, settings["aligned_from"])
    table, found = probe_adapters(tokens, settings["domain"], Probing(**settings["probing"]))
    write_table(coefficients, table)
    write_json(groups, chosen_groups(tokens.adapters, found, settings["fallback"]))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
