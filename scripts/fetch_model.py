"""Fetch a model of the hub: resolve its commit once, and download what that names."""

from pathlib import Path
from typing import Any


def main(*, pinned: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Write which commit and files the model's name means, when these have been downloaded.

    Args:
        pinned: JSON to write, see `forewarn.models.hub.pin_model`.
        settings: `name` and `revision` (None: the newest) on the hub.

    Returns:
        The `revision` that it is, for the record.
    """
    from forewarn.files import write_json
    from forewarn.models.hub import fetch_model, pin_model

    found = pin_model(settings["name"], settings["revision"])
    fetch_model(found)
    write_json(pinned, found)
    return {"revision": found["revision"]}


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
