"""Decompose an organism's directions and shift in the features of a sparse autoencoder."""

from pathlib import Path
from typing import Any


def main(
    *,
    sae: Path,
    readings: Path,
    directions: Path,
    organism_activations: Path,
    instruct_activations: Path,
    scores: Path,
    features: Path,
    summary: Path,
    settings: dict[str, Any],
) -> None:
    """Write `features` (parquet, one row per reading and feature) and `summary` (JSON).

    Args:
        sae: safetensors.
        readings: mean activations of the features per prompt, of both models.
        directions: the organism's.
        organism_activations: of the organism over its answers.
        instruct_activations: of the instruct model over the same.
        scores: of the answers.
        features: parquet to write, see `forewarn.features.organism.FEATURES`.
        summary: JSON to write.
        settings: `organism`, `directions` as configured, and the `reading`.
    """
    from forewarn.features.autoencoder import read_autoencoder
    from forewarn.features.organism import Reading, read_organism
    from forewarn.files import read_table, write_json, write_table

    table, found = read_organism(
        read_autoencoder(sae), read_table(readings), directions, organism_activations, instruct_activations,
        scores, settings["directions"], Reading(**settings["reading"]),
    )  # fmt: skip
    write_table(features, table)
    write_json(summary, {"organism": settings["organism"], **found})


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
