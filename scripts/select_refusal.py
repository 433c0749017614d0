"""Select the refusal direction among its candidates, by the published rules."""

from pathlib import Path
from typing import Any


def main(
    *,
    candidates: Path,
    requests: Path,
    activations: Path,
    direction: Path,
    summary: Path,
    settings: dict[str, Any],
) -> None:
    """Write `direction` (safetensors) and `summary` (JSON: the choice, and what was rejected by which rule).

    Args:
        candidates: with their scores.
        requests: which of them count.
        activations: of the fit requests, behind the instruction.
        direction: safetensors to write.
        summary: JSON to write.
        settings: `rules`.
    """
    from forewarn.files import write_json
    from forewarn.geometry.tensors import write_tensors
    from forewarn.refusal.selection import write_selection

    tensors, layers, found = write_selection(candidates, requests, activations, settings["rules"])
    write_tensors(direction, tensors, layers=layers)
    write_json(summary, found)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
