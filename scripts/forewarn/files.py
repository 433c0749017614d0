"""Artifacts on disk: written whole or not at all, and byte-identical for identical content.

Three formats only: parquet for rows, safetensors for tensors, JSON for numbers that people read.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forewarn.errors import StudyError

if TYPE_CHECKING:
    import pyarrow as pa
    import torch

_UMASK = os.umask(0)
os.umask(_UMASK)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it into place only if the block succeeds.

    The move is atomic (POSIX rename) and follows an fsync, so that a reader, a crash or a full disk
    never meets half a file.

    Raises:
        StudyError: the folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_UMASK)  # safetensors would keep others of a group from reading
        temporary.replace(path)
    except OSError as error:
        raise StudyError(
            f"{path} could not be written: {error.strerror or error}",
            "check that the folder is writable and the disk has room, then run again; "
            "nothing that was already there has changed",
        ) from error
    finally:
        with suppress(OSError):  # the error above, if there was one, is the one to show
            temporary.unlink()


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write indented JSON with stable key order; non-finite floats become null."""
    with replacing(path) as temporary:
        text = json.dumps(_finite(content), indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return content


def write_table(path: Path, table: pa.Table) -> None:
    """Write a parquet file (zstd), whose bytes depend on the table and the pyarrow version alone."""
    import pyarrow.parquet as pq

    with replacing(path) as temporary:
        pq.write_table(table.replace_schema_metadata(None), temporary, compression="zstd")


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a parquet file, or only some of its columns."""
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=columns)


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], **metadata: str) -> None:
    """Write named tensors as safetensors; `metadata` values are strings, as the format demands."""
    from safetensors.torch import save_file

    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(tensors.items())}
    with replacing(path) as temporary:
        save_file(contiguous, temporary, metadata=metadata)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read all tensors of a safetensors file onto the CPU."""
    from safetensors.torch import load_file

    tensors: dict[str, torch.Tensor] = load_file(path)
    return tensors


def digest(content: Any) -> str:
    """Sha256 of a JSON-serialisable value in canonical form, e.g. of the settings behind a figure."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
