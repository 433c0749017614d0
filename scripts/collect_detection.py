"""Collect the detection of all organisms of a model into its detection_auc.json."""

from pathlib import Path
from typing import Any


def main(
    *,
    summaries: list[Path] | Path,
    projections: list[Path] | Path,
    detection_auc: Path,
    settings: dict[str, Any],
    across: Path | None = None,
) -> None:
    """Write `detection_auc` (JSON): the declared primary result first, then every organism."""
    from forewarn.detection.collection import collect
    from forewarn.files import write_json
    from forewarn.inputs import several

    collected = collect(
        several(summaries),
        several(projections),
        across,
        model=settings["model"],
        primary=settings["primary"],
        configuration=settings["configuration"],
    )
    write_json(detection_auc, collected)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
