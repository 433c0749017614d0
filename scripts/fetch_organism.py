"""Fetch an organism's adapter that somebody else trained and published."""

from pathlib import Path
from typing import Any


def main(*, adapter: Path, adapter_config: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Write the adapter as it was published.

    Args:
        adapter: `adapter_model.safetensors` to write.
        adapter_config: `adapter_config.json` to write, beside `adapter`.
        settings: `name` and `revision` on the hub.

    Returns:
        The `revision` that it is, for the record.
    """
    from forewarn.files import read_json, replacing, write_json
    from forewarn.models.hub import fetch_adapter

    weights, config = fetch_adapter(settings["name"], settings["revision"])
    with replacing(adapter) as temporary:
        temporary.write_bytes(weights.read_bytes())
    write_json(adapter_config, read_json(config))
    return {"revision": weights.parent.name}


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
