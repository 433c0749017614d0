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
        settings: `organism`, `sweeps` (name -> models), `models` (name -> `pretraining_steps`), `resisted`
            (model and organism), `weighed` and `measure`.
    """
    from forewarn.elasticity import collected
    from forewarn.elasticity.rebound import HALVES
    from forewarn.elasticity.sweeps import Returned, compare_models
    from forewarn.files import read_json, write_json, write_table
    from forewarn.inputs import several
    from forewarn.statistics.tables import read_columns
    from forewarn.steering.contrasts import Measurement

    organism, known = settings["organism"], settings["models"]
    resisted = [(model, name) for model, name in settings["resisted"]]
    measured = dict(zip(resisted, map(read_json, several(resistance)), strict=True))
    sizes = dict(zip(settings["weighed"], map(collected.parameters_of, several(weights)), strict=True))
    returned = {
        model: Returned(
            model, read_json(summary), read_columns(drawn, HALVES), measured.get((model, organism))
        )
        for model, summary, drawn in zip(known, several(summaries), several(halves), strict=True)
    }
    how, first = Measurement(**settings["measure"]), next(iter(returned.values())).summary
    sweeps = {
        name: compare_models([returned[model] for model in models], how) | {"paper": collected.REPORTED[name]}
        for name, models in settings["sweeps"].items()
    }
    models = {
        model: told | {"parameters": sizes.get(model)} | {
            "compression": collected.instruct_compression(returned[model].summary)
        }
        for model, told in known.items()
    }  # fmt: skip
    head = {key: settings[key] for key in ("organism", "measure")}
    head |= {key: first[key] for key in ("opposite", "n", "k", "seeds", "prompts")}
    write_table(table, collected.sweeps_table(sweeps, first["prompts"], len(first["seeds"])))
    counts = {"resistance": collected.count_resistance(measured), "differences": collected.DIFFERENCES}
    write_json(comparison, head | {"models": models, "sweeps": sweeps} | counts)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
