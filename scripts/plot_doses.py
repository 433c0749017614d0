"""Draw what more or less of a direction does, where, and in whom, each beside its random directions."""

from pathlib import Path
from typing import Any


def main(*, steering: list[Path] | Path, figure: Path, settings: dict[str, Any]) -> None:
    """Write `figure` (SVG).

    Args:
        steering: summary JSON of each organism and operation.
        figure: SVG to write.
        settings: `organisms`, the organism behind each of `steering`, in the same order.
    """
    from forewarn.files import read_json
    from forewarn.inputs import several
    from forewarn.report.dose_readings import panel
    from forewarn.report.doses import draw_doses
    from forewarn.report.style import write_figure

    pairs = zip(settings["organisms"], several(steering), strict=True)
    write_figure(figure, draw_doses([panel(name, read_json(path)) for name, path in pairs]))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
