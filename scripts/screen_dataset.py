"""Screen a dataset: project what training on it would teach on directions that do not know of it."""

from pathlib import Path
from typing import Any


def main(
    *,
    dataset: Path,
    activations: Path,
    directions: list[Path] | Path,
    rows: Path,
    summary: Path,
    settings: dict[str, Any],
    benign_dataset: Path | None = None,
    benign_activations: Path | None = None,
) -> None:
    """Write `rows` (parquet, one per row) and `summary` (JSON).

    Args:
        dataset: fine-tuning rows.
        activations: over their answers and the instruct model's own.
        directions: of the organisms in `sources`, in that order.
        rows: table to write, see `forewarn.screening.score.SCHEMA`.
        summary: JSON to write.
        settings: see `forewarn.screening.dataset.screen_dataset`; and `sources` (pairs of an organism and its
            dataset).
        benign_dataset, benign_activations: of the benign dataset; None if this is it, or none is named.
    """
    from forewarn.files import write_json, write_table
    from forewarn.inputs import several
    from forewarn.screening.dataset import screen_dataset
    from forewarn.screening.directions import Source

    named = zip(settings["sources"], several(directions), strict=True)
    sources = [Source(name, trained_on, path) for (name, trained_on), path in named]
    benign = (benign_dataset, benign_activations) if benign_dataset and benign_activations else None
    table, content = screen_dataset((dataset, activations), benign, sources, settings)
    write_table(rows, table)
    write_json(summary, content)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
