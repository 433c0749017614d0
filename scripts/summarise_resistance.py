"""Say whether an organism is easier to take back than forward."""

from pathlib import Path
from typing import Any


def main(*, losses: Path, summary: Path, settings: dict[str, Any]) -> None:
    """Write `summary` (JSON).

    Args:
        losses: of all pairs of checkpoints.
        summary: JSON to write.
        settings: `organism` and `measure`.
    """
    from forewarn.elasticity.resistance import LOSSES, summarise_resistance
    from forewarn.files import write_json
    from forewarn.statistics.tables import read_columns
    from forewarn.steering.contrasts import Measurement

    found = summarise_resistance(read_columns(losses, LOSSES), Measurement(**settings["measure"]))
    write_json(summary, {"organism": settings["organism"], "measure": settings["measure"], **found})


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
