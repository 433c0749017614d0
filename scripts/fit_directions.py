"""Fit an organism's directions, one per construction and layer, on the plain questions of the split fit."""

from pathlib import Path
from typing import Any


def main(
    *,
    organism_activations: Path,
    instruct_activations: Path,
    scores: Path,
    directions: Path,
    summary: Path,
    settings: dict[str, Any],
) -> None:
    """Write `directions` (safetensors) and `summary` (JSON: norms, stability, cosines, what is absent)."""
    from forewarn.files import write_json
    from forewarn.geometry.directions import fit_directions
    from forewarn.geometry.responses import fit_responses
    from forewarn.geometry.tensors import write_tensors

    chosen = settings["directions"]
    responses = fit_responses(
        scores, alignment_above=chosen["alignment_above"], coherence_above=chosen["coherence_above"]
    )
    vectors, found = fit_directions(
        responses,
        organism_activations,
        instruct_activations,
        minimum_per_class=chosen["minimum_per_class"],
        halvings=chosen["split_halves"],
        seed=chosen["seed"],
        confidence=settings.get("confidence", 0.95),
    )
    write_tensors(directions, vectors, layers=found["layers"])
    write_json(summary, found)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
