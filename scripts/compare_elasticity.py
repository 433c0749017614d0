"""Compare how an organism of several models returns: does elasticity grow with size and with pretraining?"""

from pathlib import Path
from typing import Any


def main(
    *,
    summaries: list[Path] | Path,
    halves: list[Path] | Path,
    resistance: list[Path] | Path,
    weights: list[Path] | Path,
    comparison: Path,
    table: Path,
    settings: dict[str, Any],
) -> None:
    """Write `comparison` (JSON) and `table` (parquet, per sweep, model, measure and start).

    Args:
        summaries, halves: of the organism's rebound in each model, in the order of `settings["models"]`.
        resistance: JSON of the organisms in `settings["resisted"]`, in this order.
        weights: of the models in `settings["weighed"]`, in this order.
        comparison: JSON to write.
        table: parquet to write.
        settings: `organism`, `sweeps` (name -> models), `models` (each `model` and
            `pretraining_steps`), `resisted` (model and organism), `weighed` and `measure`.
    """
    from forewarn.elasticity.collected import parameters_of, put_together
    from forewarn.elasticity.rebound import HALVES
    from forewarn.elasticity.sweeps import Returned
    from forewarn.files import read_json, write_json, write_table
    from forewarn.inputs import several
    from forewarn.statistics.tables import read_columns

    organism, known = settings["organism"], [each["model"] for each in settings["models"]]
    resisted = [(model, name) for model, name in settings["resisted"]]
    measured = dict(zip(resisted, map(read_json, several(resistance)), strict=True))
    sizes = dict(zip(settings["weighed"], map(parameters_of, several(weights)), strict=True))
    returned = {
        model: Returned(
            model, read_json(summary), read_columns(drawn, HALVES), measured.get((model, organism))
        )
        for model, summary, drawn in zip(known, several(summaries), several(halves), strict=True)
    }
    found, rows = put_together(returned, measured, sizes, settings)
    write_table(table, rows)
    write_json(comparison, found)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
