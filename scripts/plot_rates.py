"""Draw how often each subject's answers are misaligned and coherent, overall and per domain."""

from pathlib import Path
from typing import Any


def main(*, rates: list[Path], figure: Path, domains: Path, settings: dict[str, Any]) -> None:
    """Write `figure` (rates per subject) and `domains` (per subject and domain of the test questions) as SVG.

    Args:
        rates: rates JSON of each subject.
        figure: SVG to write.
        domains: SVG to write.
        settings: `subjects`, the names of the subjects in the order of `rates`.
    """
    from forewarn.files import read_json
    from forewarn.inputs import several
    from forewarn.report.rates import draw_domains, draw_rates
    from forewarn.report.readings import domain_marks, rate_marks
    from forewarn.report.style import write_figure

    found = zip(settings["subjects"], several(rates), strict=True)
    contents = {subject: read_json(path) for subject, path in found}
    write_figure(figure, draw_rates(rate_marks(contents)))
    write_figure(domains, draw_domains(domain_marks(contents)))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
