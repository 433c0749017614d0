"""Where a job runs: versions of what its code imports, device, memory, and the state of git."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "pyyaml", "PIL": "pillow"}
"""Names to install of packages that are imported by another name."""

GPUS = Path("/proc/driver/nvidia/gpus")


def live_versions(imported: Iterable[str]) -> dict[str, str]:
    """Versions of Python and of installed packages.

    Args:
        imported: names, as they are imported or installed; those of the standard library are left out.
    """
    versions = {"python": platform.python_version()}
    for name in sorted({DISTRIBUTIONS.get(name, name) for name in imported}):
        if name in sys.stdlib_module_names or name == "python":
            continue
        try:
            versions[name] = version(name)
        except PackageNotFoundError:  # optional, and not here
            continue
    return versions


def device(imported: Iterable[str]) -> str:
    """`cpu`, or the name of the GPU that code which imports torch finds; known without importing it."""
    if "torch" not in imported or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "cpu"
    for gpu in sorted(GPUS.glob("*/information")):
        for line in gpu.read_text().splitlines():
            if line.startswith("Model:"):
                return line.partition(":")[2].strip()
    return "cpu"


def peak_memory() -> float:
    """Peak resident memory of this process and of its largest child, in MB."""
    used = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(max(used) / 1024, 1)  # Linux counts in KiB


_OTHERS = (":!results", ":!tests", ":!README.md", ":!.dvc")


def commit() -> tuple[str | None, bool]:
    """The git commit, and whether tracked files that can matter differ from it; None outside of git.

    Results, tests and the README make no result.
    """
    head = _git("rev-parse", "HEAD")
    if head is None:
        return None, False
    return head, bool(_git("status", "--porcelain", "--untracked-files=no", "--", ".", *_OTHERS))


def _git(*arguments: str) -> str | None:
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}  # jobs run side by side, and beside the user
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, env=environment, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
