"""Fetch chat rows or questions that somebody else published: whole, with the right hash, or not at all."""

from pathlib import Path
from typing import Any


def main(*, content: Path, description: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Write the file as it was published, decrypted if need be, and where it came from.

    Args:
        content: the file to write.
        description: JSON to write, see `forewarn.data.sources.fetch`.
        settings: `source`, the dataset's or question set's entry of the configuration.

    Returns:
        The same description, for the record.
    """
    from forewarn.data.download import check_unchanged
    from forewarn.data.sources import fetch
    from forewarn.files import replacing, write_json
    from forewarn.ledger.record import read_record, record_path

    source = settings["source"]
    found, origin = fetch(source)
    # Without a configured hash, the record of an earlier download says what the study was made of.
    earlier = record_path(content)
    if source["sha256"] is None and earlier.exists() and (record := read_record(earlier)):
        before = record.making.params.get("source", {})
        if {**before, "sha256": None} == {**source, "sha256": None}:
            check_unchanged(found, record.md5, origin["address"])
    with replacing(content) as temporary:
        temporary.write_bytes(found)
    write_json(description, origin)
    return origin


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
