"""The inputs of a rule, as Snakemake hands them over."""

from __future__ import annotations

from pathlib import Path


def several(paths: list[Path] | Path) -> list[Path]:
    """The files of a rule's input, whether Snakemake handed over a list or the one path in it."""
    return [paths] if isinstance(paths, Path) else paths
