"""Draw the paths of all organisms' adapters above their behaviour by checkpoint."""

from pathlib import Path


def main(
    *,
    summaries: list[Path] | Path,
    paths: list[Path] | Path,
    behaviours: list[Path] | Path,
    figure: Path,
) -> None:
    """Write `figure` (SVG).

    Args:
        summaries: JSON of each organism.
        paths: per-step tables, in the same order.
        behaviours: per-checkpoint tables, in the same order.
        figure: SVG to write.
    """
    from forewarn.files import read_json, read_table
    from forewarn.inputs import several
    from forewarn.report.phase_transition import draw_transitions, transition_panel
    from forewarn.report.style import write_figure

    panels = [
        transition_panel(read_json(summary), read_table(path), read_table(behaviour))
        for summary, path, behaviour in zip(
            several(summaries), several(paths), several(behaviours), strict=True
        )
    ]
    write_figure(figure, draw_transitions(panels))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
