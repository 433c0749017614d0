"""Compare the directions of two organisms, per construction and layer."""

from pathlib import Path
from typing import Any


def main(
    *,
    organism_activations: list[Path],
    instruct_activations: list[Path],
    scores: list[Path],
    cosines: Path,
    settings: dict[str, Any],
) -> None:
    """Write `cosines` (parquet): intervals over prompts, bands of random directions, ceilings.

    Args:
        organism_activations: of both organisms over their own answers.
        instruct_activations: of the instruct model over the answers of each.
        scores: of the answers of each.
        cosines: parquet to write, one row per construction and layer.
        settings: `organisms`, the names of both; `directions` as configured; `random_directions`,
            `confidence` and `seed`.
    """
    from forewarn.convergence.pairs import Comparison, compare_pair
    from forewarn.convergence.replication import Captured
    from forewarn.files import write_table
    from forewarn.geometry.responses import fit_responses

    chosen = settings["directions"]
    files = zip(settings["organisms"], organism_activations, instruct_activations, strict=True)
    first, second = (Captured(*each) for each in files)
    cuts = {key: chosen[key] for key in ("alignment_above", "coherence_above")}
    mine, others = (fit_responses(path, **cuts) for path in scores)
    how = Comparison(
        minimum_per_class=chosen["minimum_per_class"],
        halvings=chosen["split_halves"],
        **{key: settings[key] for key in ("random_directions", "confidence", "seed")},
    )
    write_table(cosines, compare_pair((first, second), (mine, others), how))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
