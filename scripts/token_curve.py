"""Ask, for one organism, from which token on a response tells that it will be misaligned."""

from pathlib import Path
from typing import Any


def main(
    *,
    prefixes: Path,
    labels: Path,
    curve: Path,
    scores: Path,
    settings: dict[str, Any],
    directions: Path | None = None,
    tokens: Path | None = None,
) -> None:
    """Write `curve` (JSON, AUROC after t tokens with its company) and `scores` (parquet, every reader's).

    Args:
        prefixes: what is read of each response after t tokens.
        labels: whether each response is misaligned.
        curve: JSON to write.
        scores: parquet to write.
        settings: `organism`, `layer`, `directions` (constructions to project on), and how to measure.
        directions: of the organism; none where no model is here.
        tokens: single tokens of the answers, where there are any.
    """
    from forewarn.detection.curve_inputs import chosen_directions
    from forewarn.detection.token_curve import Settings, token_curve
    from forewarn.detection.token_level import token_level
    from forewarn.files import write_json, write_table

    chosen = Settings(**settings["measure"])
    layer = settings["layer"]
    held, absent = chosen_directions(directions, settings["directions"], layer)
    summary, table = token_curve(prefixes, labels, chosen, held, layer)
    single = token_level(tokens, labels, chosen, layer) if tokens else None
    write_table(scores, table)
    found = {"organism": settings["organism"], **summary, "absent": absent, "token_level": single}
    write_json(curve, found)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
