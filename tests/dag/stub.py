"""Stands in for every script of the workflow: writes a small, deterministic placeholder to each output."""

from pathlib import Path

for output in snakemake.output:  # noqa: F821 - Snakemake puts it into a script's globals
    Path(output).write_text(f"placeholder of {output}\n", encoding="utf-8")
