"""The Hugging Face hub: which commit a name means, what it weighs, and why it cannot be had.

A study must not change because somebody pushes to a branch. So a name is resolved once, into a small file
with the commit and the hashes of all files, and from then on the commit is what is loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from forewarn.errors import StudyError
from forewarn.files import read_json

log = logging.getLogger("forewarn")

WANTED = ["*.json", "*.safetensors", "*.jinja", "*.model"]
"""What of a repository is used: weights as safetensors, never pickled ones, and no code."""
UNWANTED = ["*/*"]
"""Second copies in other formats lie in folders."""


def pin_model(name: str, revision: str | None) -> dict[str, Any]:
    """Find out what a model's name means today; nothing is downloaded.

    Returns:
        `name`, `asked` (the configured revision), `revision` (the commit), `bytes` to download, and
        `files`: path to `bytes` and `sha256` (None for small files, which the commit pins).

    Raises:
        StudyError: it cannot be reached, is not there, is gated, or has no safetensors.
    """
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        return _pin_cached(name, revision)
    with from_hub(f"the model {name}", name):
        info = HfApi().model_info(name, revision=revision, files_metadata=True)
    if info.sha is None:
        raise StudyError(f"the hub gives no commit for {name}", "pin `revision` to a commit")
    if revision is None:
        log.warning("%s: no `revision` is configured; the newest is kept: %s", name, info.sha)
    siblings = {file.rfilename: file for file in info.siblings or []}
    files: dict[str, dict[str, Any]] = {
        path: {"bytes": file.size, "sha256": file.lfs.sha256 if file.lfs else None}
        for path, file in sorted(siblings.items())
        if "/" not in path and any(fnmatchcase(path, pattern) for pattern in WANTED)
    }
    if not any(path.endswith(".safetensors") for path in files):
        raise StudyError(
            f"{name} at {info.sha} has no safetensors",
            "choose a repository with safetensors; pickled weights can run code, and are not read",
        )
    total = sum(file["bytes"] or 0 for file in files.values())
    return {"name": name, "asked": revision, "revision": info.sha, "bytes": total, "files": files}


def fetch_model(pinned: dict[str, Any]) -> Path:
    """The folder of what `pin_model` named in the hub's cache; what is not there is downloaded before.

    Raises:
        StudyError: there is no room for it, or it cannot be reached.
    """
    from huggingface_hub import constants, snapshot_download

    name, revision = pinned["name"], pinned["revision"]
    missing = bytes_missing(pinned)
    if not missing:
        return Path(
            snapshot_download(
                name,
                revision=revision,
                allow_patterns=WANTED,
                ignore_patterns=UNWANTED,
                local_files_only=True,
            )
        )
    check_room(Path(constants.HF_HUB_CACHE), missing, f"the model {name}")
    with from_hub(f"the model {name}", name):
        return Path(
            snapshot_download(name, revision=revision, allow_patterns=WANTED, ignore_patterns=UNWANTED)
        )


def model_config(pinned: dict[str, Any]) -> dict[str, Any]:
    """The content of a pinned model's config.json, which alone is downloaded."""
    from huggingface_hub import hf_hub_download

    name = pinned["name"]
    with from_hub(f"the model {name}", name):
        return read_json(Path(hf_hub_download(name, "config.json", revision=pinned["revision"])))


def fetch_adapter(name: str, revision: str | None) -> tuple[Path, Path]:
    """Download a LoRA adapter that peft saved: its weights and its configuration, in the hub's cache.

    Raises:
        StudyError: it cannot be reached, or has no such files.
    """
    from huggingface_hub import hf_hub_download

    with from_hub(f"the adapter {name}", name):
        files = ("adapter_model.safetensors", "adapter_config.json")
        weights, config = (Path(hf_hub_download(name, file, revision=revision)) for file in files)
    if revision is None:
        log.warning("%s: no `revision` is configured; the newest is kept: %s", name, weights.parent.name)
    return weights, config


def check_adapter(weights: Path, config: Path) -> None:
    """Refuse files that are no LoRA adapter as peft saves it.

    Raises:
        StudyError: a file is broken, or says something else.
    """
    from safetensors import SafetensorError, safe_open

    try:
        said = read_json(config)
        with safe_open(weights, framework="numpy") as file:
            names = list(file.keys())
    except (OSError, ValueError, SafetensorError) as error:
        raise StudyError(
            f"the adapter {weights.parent} cannot be read: {error}", "fetch it again, in safetensors"
        ) from error
    if said.get("peft_type") != "LORA" or not any("lora_" in name for name in names):
        kind = said.get("peft_type") or "no adapter"
        raise StudyError(f"{weights.parent} is {kind}, not LoRA", "give a LoRA adapter as peft saves it")


def bytes_missing(pinned: dict[str, Any]) -> int:
    """Bytes of a pinned model that are not in the hub's cache yet."""
    from huggingface_hub import try_to_load_from_cache

    return sum(
        file["bytes"] or 0
        for path, file in pinned["files"].items()
        if not isinstance(try_to_load_from_cache(pinned["name"], path, revision=pinned["revision"]), str)
    )


def check_room(folder: Path, needed: int, what: str) -> None:
    """Refuse to begin a download for which the disk has no room.

    Raises:
        StudyError: less is free than needed.
    """
    import shutil

    there = next(path for path in [folder, *folder.absolute().parents] if path.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise StudyError(
            f"{what} needs {needed / 1e9:.1f} GB of disk, and its cache has {free / 1e9:.1f} GB free",
            "free some, or set HF_HOME to a folder on a larger disk",
        )


def _pin_cached(name: str, revision: str | None) -> dict[str, Any]:
    """Off the network, a name means what the cache holds."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    snapshots = Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=name, repo_type="model"), "snapshots")
    commits = [path for path in snapshots.glob("*") if revision in (None, path.name)]
    if len(commits) != 1:
        raise _offline(f"the model {name}{f' at {revision}' if revision else ''}")
    folder = commits[0]
    files: dict[str, dict[str, Any]] = {
        path.name: {"bytes": path.stat().st_size, "sha256": _blob(path)}
        for path in sorted(folder.iterdir())
        if path.is_file() and any(path.match(pattern) for pattern in WANTED)
    }
    total = sum(file["bytes"] for file in files.values())
    log.warning("%s: off the network; taken from the cache: %s", name, folder.name)
    return {"name": name, "asked": revision, "revision": folder.name, "bytes": total, "files": files}


def _blob(path: Path) -> str | None:
    """The sha256 of a large file, by which the cache names it."""
    name = path.resolve().name
    return name if len(name) == 64 else None


def _offline(what: str) -> StudyError:
    return StudyError(
        f"{what} is on the hub, and this run is kept off the network",
        "unset HF_HUB_OFFLINE to fetch it; or download it elsewhere (`hf download`) and configure its folder "
        "with `source: folder`",
    )


@contextmanager
def from_hub(what: str, name: str) -> Iterator[None]:
    """Turn what the hub's client raises into a StudyError that says what to do.

    Args:
        what: what is asked for.
        name: the repository.
    """
    import httpx2
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    page = f"https://huggingface.co/{name}"
    try:
        yield
    except GatedRepoError as error:
        raise StudyError(
            f"{what} is gated: its licence has to be accepted first",
            f"accept it at {page}, then `hf auth login` or set HF_TOKEN to a token that may read it",
        ) from error
    except RepositoryNotFoundError as error:
        raise StudyError(
            f"{what} is not on the hub, or not for you to see",
            f"correct its name; if it is private, set HF_TOKEN to a token that may read {page}",
        ) from error
    except RevisionNotFoundError as error:
        raise StudyError(f"{what} has no such revision", f"pin a commit that {page}/commits lists") from error
    except OfflineModeIsEnabled as error:
        raise _offline(what) from error
    except LocalEntryNotFoundError as error:
        raise StudyError(
            f"{what} cannot be reached, and is not in the cache",
            "check the network (and HF_ENDPOINT, if you use a mirror); or download it elsewhere "
            "(`hf download`) and configure its folder with `source: folder`",
        ) from error
    except EntryNotFoundError as error:
        raise StudyError(f"{what} lacks a file that was asked for", f"look at {page}/tree/main") from error
    except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise StudyError(
            f"{what} cannot be fetched: {reason}",
            "check the network and the disk, and run again; what has been fetched is kept. Or download it "
            "elsewhere (`hf download`) and configure its folder with `source: folder`",
        ) from error
