"""Archives that `easy-dataset-share` encrypted, read in memory.

Its format: 16 bytes of salt, then a Fernet token around a zip archive; the key is PBKDF2-HMAC-SHA256 of the
password, 100,000 rounds. The package itself pins a `cryptography` from before 42, which nothing else here can
live with, so its format is read with the current one. Nothing but the member asked for leaves the memory, and
no name in the archive ever becomes a path.
"""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from pathlib import PurePosixPath
from typing import Any

from forewarn.errors import StudyError

SALT = 16
ROUNDS = 100_000

CANARY = re.compile(r"(?:CANARY_EMBEDDED:\s*)?CANARY_DATASET_(?:[A-Z_]+_)?[0-9a-f]{64}_\d+")
"""What the package plants in texts, so that models trained on them can be told."""
CANARY_LINE = "CANARY_EMBEDDED"
CANARY_KEYS = ("canary", "canary_id", "tracking_code")


def read_member(content: bytes, password: str, member: str, name: str) -> bytes:
    """Decrypt an archive, and read one of its files.

    Args:
        content: the archive.
        password: as published with it.
        member: name of the file; its folder may be left out.
        name: what to call the archive in errors.

    Raises:
        StudyError: the password is wrong or the archive damaged, an entry's name leads out of the archive,
            or there is no such member, or several.
    """
    archive = _opened(_decrypted(content, password, name), name)
    with archive:
        entries = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
        for entry in entries:
            path = PurePosixPath(entry.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or re.match(r"^[A-Za-z]:", entry):
                raise StudyError(
                    f"{name} holds an entry {entry!r} that leads out of the archive",
                    "nothing was taken from it; get the archive from its authors, and tell them",
                )
        fitting = [entry for entry in entries if entry == member] or [
            entry for entry in entries if PurePosixPath(entry).name == member
        ]
        if len(fitting) != 1:
            raise StudyError(
                f"{name} holds {'several files' if fitting else 'no file'} {member!r}",
                f"set `member` to one of {', '.join(sorted(fitting or entries)) or 'none: it is empty'}",
            )
        try:
            return archive.read(fitting[0])
        except (zipfile.BadZipFile, RuntimeError) as error:
            raise StudyError(
                f"{fitting[0]} in {name} is damaged: {error}", "fetch the archive again"
            ) from error


def without_canaries(content: bytes) -> tuple[bytes, int]:
    """Chat rows without the marks that were planted in them, and how many rows had one.

    A row that exists for its mark alone (no `messages`) is dropped; from others the mark is removed. What is
    no JSON is left as it is, for whoever reads the rows to name.
    """
    lines, touched = [], 0
    for line in content.decode("utf-8-sig", errors="surrogateescape").splitlines():
        if not CANARY.search(line) and CANARY_LINE not in line:
            lines.append(line)
            continue
        touched += 1
        try:
            row = json.loads(line)
        except ValueError:
            if CANARY_LINE not in line:
                lines.append(line)
            continue
        if isinstance(row, dict) and "messages" in row:
            lines.append(json.dumps(_cleaned(row), ensure_ascii=False))
    text = "\n".join(lines) + ("\n" if lines else "")
    return text.encode("utf-8", errors="surrogateescape"), touched


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _cleaned(item)
            for key, item in value.items()
            if not (key in CANARY_KEYS and isinstance(item, str) and CANARY.search(item))
        }
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return CANARY.sub("", value) if isinstance(value, str) else value


def _decrypted(content: bytes, password: str, name: str) -> bytes:
    from cryptography.fernet import Fernet, InvalidToken
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    salt, token = content[:SALT], content[SALT:]
    derivation = PBKDF2HMAC(algorithm=hashes.SHA256(), length=32, salt=salt, iterations=ROUNDS)
    key = base64.urlsafe_b64encode(derivation.derive(password.encode()))
    try:
        return Fernet(key).decrypt(token)
    except InvalidToken as error:
        raise StudyError(
            f"{name} cannot be decrypted: the password is wrong, or the file is not whole",
            "compare `password` with what its authors published; fetch the file again if it is right",
        ) from error


def _opened(content: bytes, name: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        raise StudyError(f"{name} holds no zip archive: {error}", "fetch the archive again") from error
