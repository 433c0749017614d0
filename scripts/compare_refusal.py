"""Hold an organism's directions against the refusal direction, layer by layer."""

from pathlib import Path
from typing import Any


def main(
    *,
    activations: Path,
    requests: Path,
    selection: Path,
    directions: Path,
    directions_summary: Path,
    organism_activations: Path,
    instruct_activations: Path,
    scores: Path,
    comparison: Path,
    summary: Path,
    settings: dict[str, Any],
) -> None:
    """Write `comparison` (parquet, one row per construction, reading and layer) and `summary` (JSON).

    Args:
        activations: of the fit requests, behind the instruction.
        requests: which of them count.
        selection: summary of the refusal direction.
        directions: the organism's.
        directions_summary: JSON beside them.
        organism_activations: of the organism over its answers.
        instruct_activations: of the instruct model over the same.
        scores: of the answers.
        comparison: parquet to write.
        summary: JSON to write.
        settings: `organism`, `directions` as configured, and how to `compare`.
    """
    from forewarn.files import write_json, write_table
    from forewarn.refusal.organism import compare_organism, read_misalignment
    from forewarn.refusal.parts import Comparing

    how = Comparing(**settings["compare"])
    misalignment = read_misalignment(
        directions, directions_summary, organism_activations, instruct_activations, scores,
        settings["directions"], how,
    )  # fmt: skip
    table, found = compare_organism(activations, requests, selection, instruct_activations, misalignment, how)
    write_table(comparison, table)
    write_json(summary, {"organism": settings["organism"], **found})


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
