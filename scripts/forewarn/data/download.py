"""Files from elsewhere: fetched whole or not at all, and held against the hash they are known by."""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import urllib.error
import urllib.request
from pathlib import Path

from forewarn.errors import StudyError

log = logging.getLogger("forewarn")

TIMEOUT = 60
"""Seconds without a byte after which a download has failed."""
BLOCK = 1 << 20


def download(url: str) -> bytes:
    """The content behind a URL (http, https or file).

    Raises:
        StudyError: it cannot be reached, is not there, or ends before its announced length.
    """
    offline = (
        "check the address and the network; without one, put the file where this machine can read it "
        "and configure it as a local file"
    )
    if not url.startswith("file:") and os.environ.get("HF_HUB_OFFLINE", "").upper() in (
        "1",
        "ON",
        "YES",
        "TRUE",
    ):
        raise StudyError(
            f"{url} is not fetched, because HF_HUB_OFFLINE keeps this run off the network", offline
        )
    blocks = []
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
            while block := response.read(BLOCK):
                blocks.append(block)
            announced = response.headers.get("Content-Length")
    except urllib.error.HTTPError as error:
        raise StudyError(f"{url} answers {error.code} {error.reason}", offline) from error
    except http.client.IncompleteRead as error:
        raise _half(url, sum(map(len, blocks)) + len(error.partial), error.expected) from error
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise StudyError(f"{url} cannot be fetched: {reason}", offline) from error
    content = b"".join(blocks)
    if announced is not None and announced.isdigit() and len(content) != int(announced):
        raise _half(url, len(content), int(announced) - len(content))
    return content


def check_sha256(content: bytes, expected: str | None, name: str) -> str:
    """The sha256 of a content, which has to be the expected one.

    Raises:
        StudyError: it is another.
    """
    found = hashlib.sha256(content).hexdigest()
    if expected is None:
        log.warning("%s: no `sha256` is configured; what came is kept as sha256: %s", name, found)
    elif found != expected:
        raise StudyError(
            f"{name} has changed: its sha256 is {found}, configured is {expected}",
            "find out why before going on: a study of other data is another study. If you want the new "
            "content, set `sha256` to its hash",
        )
    return found


def _half(url: str, got: int, missing: int | None) -> StudyError:
    lacking = f", {missing:,} are missing" if missing else ""
    return StudyError(
        f"{url} broke off after {got:,} bytes{lacking}", "run again; nothing of it has been kept"
    )


def check_file(path: Path, expected: str) -> None:
    """Refuse a file that is not what its configured sha256 says, or that cannot be read."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise StudyError(
            f"{path} cannot be read: {error.strerror}", "correct its `path` in the configuration"
        ) from error
    check_sha256(content, expected, str(path))


def check_unchanged(content: bytes, md5: str, name: str) -> None:
    """Refuse a content that is another than an earlier download's, where no hash is configured.

    Args:
        content: what came.
        md5: of what came before, as the ledger recorded it.
        name: where it came from.

    Raises:
        StudyError: they differ.
    """
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise StudyError(
            f"{name} has changed since it was first fetched for this study",
            "`dvc pull` the content that the study was made of; or, if you want the new one, delete the "
            "`.dvc` file of the old one and run again: all that depends on it is made anew",
        )
