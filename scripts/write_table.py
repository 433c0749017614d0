"""Write the page of the table of models."""

from pathlib import Path


def main(*, rows: Path, statements: Path, page: Path) -> None:
    """Write `page` (HTML without scripts, links or requests).

    Args:
        rows: the table.
        statements: what it says about models and quantisation.
        page: HTML file to write.
    """
    from forewarn.files import read_json, read_table, replacing
    from forewarn.report.table import render_table

    with replacing(page) as temporary:
        html = render_table(read_table(rows).to_pylist(), read_json(statements))
        temporary.write_text(html, encoding="utf-8")


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
