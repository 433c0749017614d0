"""Compare what rank-1 adapters write into the residual stream with the organism's mean differences."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(
    *,
    adapter: Sequence[Path],
    directions: Path,
    stability: Path,
    activations: Path,
    cosines: Path,
    summary: Path,
    settings: dict[str, Any],
) -> None:
    """Write `cosines` (parquet, one row per construction, adapter and layer) and `summary` (JSON).

    Args:
        adapter: the organism's adapter_model.safetensors and adapter_config.json.
        directions: the organism's directions (safetensors).
        stability: their summary (JSON), with split-half cosines.
        activations: of the instruct model over the organism's answers, for the covariance.
        cosines: parquet to write, see `forewarn.adapters.cosines.COSINES`.
        summary: JSON to write.
        settings: `organism`, `random`, `confidence`, `seed`.
    """
    from forewarn.adapters.cosines import write_cosines
    from forewarn.files import read_json, write_json, write_table
    from forewarn.geometry.adapter_direction import adapter_directions
    from forewarn.geometry.tensors import read_tensors

    vectors, layers = read_tensors(directions)
    held = read_json(stability)["constructions"]
    halves = {name: held[name]["split_half_cosine"]["mean"] for name in vectors}
    chosen = {key: settings[key] for key in ("random", "confidence", "seed")}
    written = adapter_directions(adapter[0], adapter[1])
    table, found = write_cosines(written, vectors, layers, activations, halves, **chosen)
    write_table(cosines, table)
    write_json(summary, {"organism": settings["organism"], **chosen, "layers": layers, "cosines": found})


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
