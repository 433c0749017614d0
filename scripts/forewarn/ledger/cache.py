"""DVC's cache, read and written without DVC: files named by the md5 of their content.

To import DVC takes a second and its lock lets one process in at a time; to put a file where DVC looks for it
takes neither. DVC's push, status, checkout and gc find objects that lie here as if it had put them there.
Objects are copies, or share blocks where the file system can (reflink); never hard links, through which an
edited result would change the object too.
"""

from __future__ import annotations

import configparser
import fcntl
import os
import shutil
from pathlib import Path

from forewarn.files import replacing

FICLONE = 0x40049409
"""The ioctl that lets two files share their blocks until one is written to; see `man ioctl_ficlone`."""


def cache_folder(root: Path = Path(".dvc")) -> Path:
    """Where the cache is: as DVC's configuration says (`dvc cache dir`), or `.dvc/cache`."""
    folder = "cache"
    for name in ("config", "config.local"):
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(root / name, encoding="utf-8")
        folder = parser.get("cache", "dir", fallback=folder)
    return Path(os.path.normpath(root / Path(folder).expanduser()))


def object_path(md5: str, folder: Path | None = None) -> Path:
    """Where the object with this content lies, or would: in the cache, or in a remote that is a folder."""
    return (folder or cache_folder()) / "files" / "md5" / md5[:2] / md5[2:]


def keep(path: Path, md5: str) -> None:
    """Put a file's content into the cache; nothing to do if it is there."""
    target = object_path(md5)
    if target.exists():
        return
    with replacing(target) as temporary:
        _copy(path, temporary)
    target.chmod(0o444)  # as DVC protects its objects


def bring_back(md5: str, path: Path) -> None:
    """Put the object with this content where an artifact belongs, as a file of its own."""
    copy_object(object_path(md5), path)


def copy_object(source: Path, target: Path) -> None:
    """Copy a file, whole or not at all."""
    with replacing(target) as temporary:
        _copy(source, temporary)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("wb") as written:
        try:
            fcntl.ioctl(written.fileno(), FICLONE, read.fileno())
        except OSError:  # another file system, or one that cannot share blocks
            shutil.copyfileobj(read, written, 1 << 20)
