"""Hold the scores of screened datasets against the misalignment that training on them caused."""

from pathlib import Path
from typing import Any


def main(
    *, screened: list[Path] | Path, rates: list[Path] | Path, summary: Path, settings: dict[str, Any]
) -> None:
    """Write `summary` (JSON).

    Args:
        screened: summary of each dataset.
        rates: EM rates of the organisms, in the order of `organisms`.
        summary: JSON to write.
        settings: `organisms` (organism -> its dataset), `benign`, `harmless`, `direction` (the construction
            that is shown), `confidence` and `seed`.
    """
    from forewarn.files import read_json, write_json
    from forewarn.inputs import several
    from forewarn.screening.comparing import compare_datasets

    found = {content["dataset"]: content for content in map(read_json, several(screened))}
    measured = {
        name: read_json(path)["splits"]["test"]["all"]["em"]
        for name, path in zip(settings["organisms"], several(rates), strict=True)
    }
    write_json(summary, compare_datasets(found, measured, settings))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
