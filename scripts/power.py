"""How wide the intervals of a study will be, and what it could find: before any GPU hour is spent.

python scripts/power.py results/nano/power.json        shows a plan that is there (`make power`)
"""

import sys
from pathlib import Path
from typing import Any


def main(*, power: Path, settings: dict[str, Any]) -> None:
    """Write `power` (JSON): precision and power for every number of prompts with every number of samples."""
    from forewarn.files import write_json
    from forewarn.statistics.power import plan

    write_json(power, plan(**settings["power"], confidence=settings["confidence"]))


def show(path: Path) -> None:
    """Print a plan as a table."""
    from forewarn.files import read_json
    from forewarn.statistics.power import as_text

    print(as_text(read_json(path)))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
elif __name__ == "__main__":
    show(Path(sys.argv[1]))
