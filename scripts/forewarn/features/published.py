"""An autoencoder that others published on the hub, in the format of Gemma Scope (arXiv 2408.05147)."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

from forewarn.data.download import check_sha256
from forewarn.features.autoencoder import Autoencoder, read_params
from forewarn.models.hub import from_hub

log = logging.getLogger("forewarn")


def fetch_autoencoder(published: dict[str, Any]) -> tuple[Autoencoder, dict[str, Any]]:
    """Download it, or take it from the hub's cache.

    Args:
        published: `name` of the repository, `file` in it, `revision` (None: the newest) and `sha256` (None:
            any).

    Returns:
        The autoencoder, and where it is from: `name`, `file`, `revision` (the commit), `sha256` and `bytes`.

    Raises:
        StudyError: it cannot be had, is not what its hash says, or is no such autoencoder.
    """
    from huggingface_hub import hf_hub_download

    name, file = published["name"], published["file"]
    with from_hub(f"the autoencoder {name}/{file}", name):
        path = Path(hf_hub_download(name, file, revision=published["revision"]))
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if published["sha256"] is not None:
        check_sha256(content, published["sha256"], f"hf://{name}/{file}")
    # The cache keeps files under snapshots/COMMIT/.
    parts = path.parts
    commit = parts[len(parts) - 1 - parts[::-1].index("snapshots") + 1] if "snapshots" in parts else None
    if published["revision"] is None:
        log.warning("%s: no `revision` is configured; the newest is kept: %s", name, commit)
    source = {"name": name, "file": file, "revision": commit, "sha256": found, "bytes": len(content)}
    return read_params(path), source
