"""Ask, for one organism, whether the last prompt token tells how often a prompt brings misalignment."""

from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    organism_scores: Path,
    instruct_scores: Path,
    organism_activations: Path,
    instruct_activations: Path,
    directions: Path,
    projections: Path,
    roc: Path,
    summary: Path,
    settings: dict[str, Any],
) -> None:
    """Write `projections` (parquet), `roc` (parquet) and `summary` (JSON, AUROC with its company)."""
    from forewarn.detection.evaluation import Settings
    from forewarn.detection.study import detect
    from forewarn.files import write_json, write_table

    chosen = settings["detection"]
    found, projected, points = detect(
        questions=questions,
        organism_scores=organism_scores,
        instruct_scores=instruct_scores,
        organism_activations=organism_activations,
        instruct_activations=instruct_activations,
        directions=directions,
        requested=chosen["directions"],
        settings=Settings(
            bootstrap=chosen["bootstrap"],
            random_directions=chosen["random_directions"],
            seed=chosen["seed"],
            confidence=settings.get("confidence", 0.95),
        ),
    )
    write_table(projections, projected)
    write_table(roc, points)
    write_json(summary, {"organism": settings["organism"], **found})


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
