"""Set a study's detection beside that of the same recipe with other pretraining seeds."""

from pathlib import Path
from typing import Any


def main(*, studies: list[Path] | Path, replicates: Path, settings: dict[str, Any]) -> None:
    """Write `replicates` (JSON).

    Args:
        studies: detection_auc.json of each study, in the order of `settings["models"]`.
        replicates: JSON to write.
        settings: `models`, the names of the studies.
    """
    from forewarn.detection.replicates import replicates as compare
    from forewarn.files import write_json
    from forewarn.inputs import several

    write_json(replicates, compare(dict(zip(settings["models"], several(studies), strict=True))))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
