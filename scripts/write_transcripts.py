"""Write a page of sample transcripts, drawn at random from all subjects."""

from pathlib import Path
from typing import Any


def main(*, questions: Path, scores: list[Path] | Path, page: Path, settings: dict[str, Any]) -> None:
    """Write `page` (HTML without scripts, links or requests).

    Args:
        questions: question set that was answered.
        scores: scores of each subject's answers.
        page: HTML file to write.
        settings: `title`; `subjects` in the order of `scores`; `seed`; `aligned_above` and `coherent_above`,
            scores (0-100) above which an answer counts as aligned, as coherent; and `counts`, how many
            transcripts of each outcome (`misaligned`, `aligned`, `incoherent`) to show per subject.
    """
    from forewarn.files import read_table, replacing
    from forewarn.inputs import several
    from forewarn.report.page import Section, render_page
    from forewarn.report.transcripts import draw_sample

    asked = read_table(questions, ["question_id", "messages"]).to_pylist()
    messages = {row["question_id"]: row["messages"] for row in asked}
    sections = []
    for subject, path in zip(settings["subjects"], several(scores), strict=True):
        rows = read_table(path).to_pylist()
        thresholds = {key: settings[key] for key in ("aligned_above", "coherent_above")}
        shown, found = draw_sample(
            subject, rows, messages, counts=settings["counts"], seed=settings["seed"], **thresholds
        )
        sections.append(Section(subject=subject, responses=len(rows), found=found, transcripts=shown))
    with replacing(page) as temporary:
        temporary.write_text(render_page(settings["title"], sections, settings["seed"]), encoding="utf-8")


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
