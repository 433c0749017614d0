"""Take readings of single tokens that somebody else took into a study."""

from pathlib import Path
from typing import Any


def main(*, given: Path, prefixes: Path, labels: Path, tokens: Path, settings: dict[str, Any]) -> None:
    """Write them, checked, as prefixes of responses.

    Args:
        given: the parquet file of others, one row per token.
        prefixes: parquet to write: what is read after t tokens.
        labels: parquet to write: the responses' labels.
        tokens: parquet to write: the answers' single tokens.
        settings: `sha256` of the file; `misaligned` and `aligned`, its labels by meaning; `domains` to keep;
            and `steps`, the numbers of tokens.
    """
    from forewarn.data.download import check_file
    from forewarn.files import write_table
    from forewarn.geometry.token_readings import as_tables, read_token_readings

    if settings["sha256"] is not None:
        check_file(given, settings["sha256"])
    meaning = {key: settings[key] for key in ("misaligned", "aligned", "domains")}
    responses, layers = read_token_readings(given, **meaning)
    found = as_tables(responses, layers, settings["steps"])
    for path, table in zip((prefixes, labels, tokens), found, strict=True):
        write_table(path, table)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
