"""Measure a judge on responses with agreed scores, before its scores are used."""

from pathlib import Path
from typing import Any


def main(*, generations: Path, opinions: Path, anchors: Path, settings: dict[str, Any]) -> None:
    """Write how far the judge's scores lie from the agreed ones (JSON).

    Args:
        generations: the anchors' responses.
        opinions: the judge's of them.
        anchors: JSON to write, see `forewarn.judges.anchors.measured`.
        settings: `language` of the anchors, and the `thresholds` of the judge.
    """
    from forewarn.files import write_json
    from forewarn.judges.anchors import anchors_for, measured
    from forewarn.judges.opinions import NUMBERS, scores_of
    from forewarn.judges.scoring import GENERATIONS
    from forewarn.judges.thresholds import Thresholds
    from forewarn.statistics.tables import read_columns

    scores = scores_of(read_columns(opinions, NUMBERS), read_columns(generations, GENERATIONS))
    thresholds = Thresholds(**settings["thresholds"])
    write_json(
        anchors, settings["thresholds"] | measured(anchors_for(settings["language"]), scores, thresholds)
    )


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
