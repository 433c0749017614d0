"""Fetch a published sparse autoencoder from the hub, in the format of Gemma Scope."""

from pathlib import Path
from typing import Any


def main(*, sae: Path, source: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Write the autoencoder, and where it is from.

    Args:
        sae: safetensors to write, see `forewarn.features.autoencoder.Autoencoder`.
        source: JSON to write.
        settings: `published`.

    Returns:
        The `revision` that it is, for the record.
    """
    from forewarn.features.autoencoder import write_autoencoder
    from forewarn.features.published import fetch_autoencoder
    from forewarn.files import write_json

    autoencoder, found = fetch_autoencoder(settings["published"])
    write_autoencoder(sae, autoencoder)
    write_json(source, {"kind": "published", **found})
    return {"revision": found["revision"]}


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
