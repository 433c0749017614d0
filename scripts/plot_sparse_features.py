"""Draw directions and shifts in the features of a sparse autoencoder."""

from pathlib import Path
from typing import Any


def main(
    *,
    sae: Path,
    texts: Path,
    summaries: list[Path] | Path,
    ablations: list[Path] | Path,
    figure: Path,
    settings: dict[str, Any],
) -> None:
    """Write `figure` (SVG).

    Args:
        sae: quality of the autoencoder (JSON).
        texts: of largest activation.
        summaries: JSON of each organism.
        ablations: summary of each organism's ablations.
        figure: SVG to write.
        settings: `organisms`, in the order of the files, and the `construction` to draw.
    """
    from forewarn.files import read_json, read_table
    from forewarn.inputs import several
    from forewarn.report.sparse_features import Decomposed, draw_sparse_features
    from forewarn.report.style import write_figure

    files = zip(settings["organisms"], several(summaries), several(ablations), strict=True)
    organisms = [Decomposed(name, read_json(found), read_json(ablated)) for name, found, ablated in files]
    drawn = draw_sparse_features(
        read_json(sae), read_table(texts).to_pylist(), organisms, settings["construction"]
    )
    write_figure(figure, drawn)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
