"""Take an organism's adapter that somebody else trained, from the hub or from a folder."""

from pathlib import Path
from typing import Any


def main(
    *, adapter: Path, adapter_config: Path, settings: dict[str, Any], given: list[Path] | None = None
) -> dict[str, Any]:
    """Write the adapter as it was published.

    Args:
        adapter: `adapter_model.safetensors` to write.
        adapter_config: `adapter_config.json` to write, beside `adapter`.
        settings: `name` and `revision` on the hub.
        given: its two files, where they lie in a folder.

    Returns:
        The `revision` that it is, for the record; nothing of a folder's, whose hashes are there.

    Raises:
        StudyError: it cannot be fetched, or is no adapter in safetensors.
    """
    from forewarn.files import read_json, replacing, write_json
    from forewarn.models.hub import check_adapter, fetch_adapter

    weights, config = given or fetch_adapter(settings["name"], settings["revision"])
    check_adapter(weights, config)
    with replacing(adapter) as temporary:
        temporary.write_bytes(weights.read_bytes())
    write_json(adapter_config, read_json(config))
    return {} if given else {"revision": weights.parent.name}


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
