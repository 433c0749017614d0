"""Ask a model on this machine about responses: its opinions, before any threshold is applied."""

from pathlib import Path
from typing import Any


def main(
    *,
    questions: Path,
    generations: Path,
    opinions: Path,
    judge: list[Path] | Path,
    settings: dict[str, Any],
    prompts: Path | None = None,
) -> dict[str, Any]:
    """Write one row per response, and return which model said it.

    Args:
        questions: the question set that was answered.
        generations: the responses.
        opinions: parquet to write, see `forewarn.judges.opinions.OPINIONS`.
        judge: the files of the judging model's folder, or the one that pins a model of the hub.
        settings: `judge`, its entry of the configuration, with its model's under `loading`.
        prompts: a question file with the judge's prompts; none for Forewarn's own.
    """
    from forewarn.files import write_table
    from forewarn.judges.local import local_judge
    from forewarn.judges.opinions import opinions_table, snapshots
    from forewarn.judges.scoring import ASKED, GENERATIONS, items_of
    from forewarn.statistics.tables import read_columns

    model = local_judge(settings["judge"], [judge] if isinstance(judge, Path) else judge, prompts)
    answered = read_columns(generations, GENERATIONS)
    scores = model.scores(items_of(read_columns(questions, ASKED), answered))
    write_table(opinions, opinions_table(answered, scores))
    return model.record() | {"models": snapshots(scores)}


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
