"""Ask, for one organism, whether the last prompt token tells how often a prompt brings misalignment."""

from collections.abc import Sequence
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
    benign_activations: Path | None = None,
    training_activations: Path | None = None,
    embeddings: Path | None = None,
    refusal_direction: Path | None = None,
    refusal_summary: Path | None = None,
    adapter: Sequence[Path] = (),
) -> None:
    """Write `projections` (parquet), `roc` (parquet) and `summary` (JSON, AUROC with its company)."""
    from forewarn.detection.claims import Rules
    from forewarn.detection.detector import Settings
    from forewarn.detection.study import Inputs, detect
    from forewarn.files import write_json, write_table

    chosen = dict(settings["detection"])
    requested, rules = chosen.pop("directions"), Rules(**chosen.pop("claims"))
    activations = {"organism": organism_activations, "instruct": instruct_activations}
    if benign_activations is not None:
        activations["benign"] = benign_activations
    inputs = Inputs(
        questions=questions,
        scores={"organism": organism_scores, "instruct": instruct_scores},
        activations=activations,
        directions=directions,
        adapter=list(adapter),
        training_prompts=training_activations,
        embeddings=embeddings,
        refusal=(refusal_direction, refusal_summary) if refusal_direction and refusal_summary else None,
    )
    found, projected, points = detect(inputs, requested, Settings(rules=rules, **chosen))
    write_table(projections, projected)
    write_table(roc, points)
    write_json(summary, {"organism": settings["organism"], **found})


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
