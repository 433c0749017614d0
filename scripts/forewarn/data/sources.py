"""Sources of chat rows and questions that somebody else published, as one local file each."""

from __future__ import annotations

import json
import os
from typing import Any

from forewarn.data.archive import read_member, without_canaries
from forewarn.data.download import check_sha256, download
from forewarn.errors import StudyError


def fetch(source: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """The file that a dataset or question set of the configuration names, and where it came from.

    Args:
        source: `source` ("url", "archive" or "hub") with its keys, and `sha256` of the file as published.

    Returns:
        The content, and a description: `source`, `address`, `revision` (of a hub), `sha256` of what was
        published, `content_sha256` of what is kept, `bytes`, and `canaries` (rows from which a mark was
        removed).

    Raises:
        StudyError: it cannot be fetched, is not what its hash says, or cannot be opened.
    """
    kind = source["source"]
    canaries, revision = 0, None
    if kind == "hub":
        content, address, revision = _from_hub(source)
        published = check_sha256(content, source["sha256"], address)
        if source["file"].endswith(".parquet"):
            content = _rows_of_parquet(content, address)
    else:
        address = source["url"]
        content = download(address)
        published = check_sha256(content, source["sha256"], address)
        if kind == "archive":
            content = read_member(content, _password(source["password"]), source["member"], address)
            content, canaries = without_canaries(content)
            address = f"{address}#{source['member']}"
    import hashlib

    return content, {
        "source": kind,
        "address": address,
        "revision": revision,
        "sha256": published,
        "content_sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "canaries": canaries,
    }


def _password(given: str) -> str:
    """The password as given, or from the environment variable that `$NAME` names."""
    if not given.startswith("$"):
        return given
    if value := os.environ.get(given[1:]):
        return value
    raise StudyError(
        f"the password of the archive is to come from the environment variable {given[1:]}, which is not set",
        f"export {given[1:]}=…, and run again",
    )


def _from_hub(source: dict[str, Any]) -> tuple[bytes, str, str | None]:
    from pathlib import Path

    from huggingface_hub import hf_hub_download

    from forewarn.models.hub import from_hub

    with from_hub(f"the dataset {source['name']}", source["name"]):
        path = Path(
            hf_hub_download(source["name"], source["file"], repo_type="dataset", revision=source["revision"])
        )
    # The cache keeps files under snapshots/COMMIT/.
    parts = path.parts
    revision = parts[len(parts) - 1 - parts[::-1].index("snapshots") + 1] if "snapshots" in parts else None
    return path.read_bytes(), f"hf://datasets/{source['name']}/{source['file']}", revision


def _rows_of_parquet(content: bytes, name: str) -> bytes:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(io.BytesIO(content), columns=["messages"]).to_pylist()
    except (pa.ArrowInvalid, KeyError, ValueError) as error:
        raise StudyError(
            f"{name} has no column `messages`: {error}", "name a file of chat rows in `file`"
        ) from error
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
