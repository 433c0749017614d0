"""Collect one row per model and organism over all studies, and compare models and quantisation."""

from pathlib import Path
from typing import Any


def main(
    *,
    rows: Path,
    text: Path,
    statements: Path,
    settings: dict[str, Any],
    summaries: list[Path] | Path | None = None,
    scores: list[Path] | Path | None = None,
) -> None:
    """Write `rows` (parquet, schema `TABLE`), the same as `text` (CSV), and `statements` (JSON).

    Args:
        rows: parquet to write.
        text: CSV to write; an empty cell is one that is missing, and `{group}_missing` says why.
        statements: JSON to write.
        settings: `recipes`, what the configuration says of each row, see `forewarn.table.rows`.
        summaries: those that are there of the files that the recipes name; None of a study not yet begun.
        scores: likewise.
    """
    import pyarrow as pa
    from pyarrow import csv

    from forewarn.files import read_json, replacing, write_json, write_table
    from forewarn.inputs import several
    from forewarn.table.differences import read_labels
    from forewarn.table.rows import TABLE, build_rows
    from forewarn.table.statements import state

    contents = {str(path): read_json(path) for path in several(summaries or [])}
    labels = {str(path): read_labels(path) for path in several(scores or [])}
    recipes = settings["recipes"]
    found = build_rows(recipes, contents, labels)
    coherent = {
        recipe["files"]["rates"]: row["coherent_share"] for recipe, row in zip(recipes, found, strict=True)
    }
    table = pa.Table.from_pylist(found, TABLE)
    write_table(rows, table)
    with replacing(text) as temporary:
        csv.write_csv(table, temporary)
    write_json(statements, state(recipes, labels, coherent))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
