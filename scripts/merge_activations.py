"""Put the activations of all shards together."""

from pathlib import Path


def main(
    *,
    shards: list[Path],
    activations: Path,
    instruct_shards: list[Path] | None = None,
    instruct_activations: Path | None = None,
) -> None:
    """Write the activations, as one job would have written them.

    Args:
        shards: activations over parts of the texts.
        activations: parquet to write.
        instruct_shards: the same texts, as read by the instruct model.
        instruct_activations: parquet to write of these.
    """
    from forewarn.models.activations import merge

    merge(shards, activations)
    if instruct_shards and instruct_activations:
        merge(instruct_shards, instruct_activations)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
