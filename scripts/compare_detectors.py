"""Read each organism's directions in all other organisms of the detection study."""

from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    directions: list[Path] | Path,
    summaries: list[Path] | Path,
    activations: list[Path] | Path,
    scores: list[Path] | Path,
    across: Path,
    settings: dict[str, Any],
) -> None:
    """Write `across` (JSON).

    Args:
        questions: the detection set.
        directions: of each organism, in the order of `settings["organisms"]`, as all that follow.
        summaries: of its detection.
        activations: its own at the last prompt tokens.
        scores: of its responses.
        across: JSON to write.
        settings: `organisms` (names), `detection` (`bootstrap`, `seed`, `confidence`).
    """
    from forewarn.detection.across import across as compare
    from forewarn.files import write_json
    from forewarn.inputs import several

    names, measured = settings["organisms"], settings["detection"]

    def by_name(paths: list[Path] | Path) -> dict[str, Path]:
        return dict(zip(names, several(paths), strict=True))

    found = compare(
        names, questions=questions, directions=by_name(directions), summaries=by_name(summaries),
        activations=by_name(activations), scores=by_name(scores), **measured,
    )  # fmt: skip
    write_json(across, found)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
