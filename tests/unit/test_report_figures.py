"""Figures show what the artifacts say, and the same artifacts give the same bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import plot_detection
import plot_directions
import plot_rates
import plot_steering
import report_artifacts as made
from forewarn.files import read_json, read_table
from forewarn.report import detection_readings, readings, style
from forewarn.report.detection import draw_roc
from forewarn.report.detection_layers import draw_auroc_by_layer
from forewarn.report.directions import draw_cosines, draw_layers
from forewarn.report.rates import draw_domains, draw_rates, span, whiskers
from forewarn.report.steering import draw_steering
from forewarn.statistics.intervals import wilson


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def rates(folder: Path) -> dict[str, Any]:
    return {name: read_json(path) for name, path in zip(made.SUBJECTS, made.write_rates(folder), strict=True)}


@pytest.fixture(scope="module")
def detection(folder: Path) -> tuple[list[Path], list[Path]]:
    return made.write_detection(folder)


@pytest.fixture(scope="module")
def steering(folder: Path) -> tuple[list[str], list[Path]]:
    return made.write_steering(folder)


@pytest.fixture(scope="module")
def directions(folder: Path) -> tuple[list[Path], Path]:
    return made.write_directions(folder)


def texts(figure: Any) -> str:
    """Everything a figure says: titles, labels, ticks, annotations, legends."""
    from matplotlib.text import Text

    found = figure.findobj(Text)
    for ax in figure.axes:
        found += [*ax.get_xticklabels(), *ax.get_yticklabels()]
    return "\n".join(text.get_text() for text in found)


def test_rates_show_each_subject_with_its_count_and_interval(rates: dict[str, Any]) -> None:
    marks = readings.rate_marks(rates)
    assert {mark.subject for mark in marks} == set(made.SUBJECTS)
    assert {mark.group for mark in marks} == {"instruct", "bad_medical-rank8", "good_medical-rank8"}
    title = "Emergent misalignment: test questions"
    for mark in (mark for mark in marks if mark.panel == title):
        found = rates[mark.subject]["splits"]["test"]["all"]["em"]
        assert (mark.rate.count, mark.rate.n) == (found["count"], found["n"] == 40 and 40)
        assert (mark.rate.low, mark.rate.high) == (found["low"], found["high"])
    said = texts(draw_rates(marks))
    assert title in said and "Facts answered correctly" in said
    for subject in made.SUBJECTS:
        assert subject in said


def test_a_rate_of_zero_prints_what_it_cannot_exclude(rates: dict[str, Any]) -> None:
    control = rates[made.ORGANISMS[2]]["splits"]["test"]["all"]["em"]
    assert control["count"] == 0
    said = texts(draw_rates(readings.rate_marks(rates)))
    assert f"n=40, at most {100 * control['high']:.1f} %" in said


def test_domains_have_one_panel_per_group_and_all_categories(rates: dict[str, Any]) -> None:
    marks = readings.domain_marks(rates)
    assert len(marks) == 4 * len(made.SUBJECTS)
    said = texts(draw_domains(marks))
    assert "bad_medical-rank8\n2 seeds, n=10 each" in said
    assert {"money", "family", "travel", "cooking"} <= set(said.split("\n"))


def test_roc_shows_area_interval_null_and_ceiling(detection: Any) -> None:
    summaries, points = detection
    contents = [read_json(path) for path in summaries]
    rows = [read_table(path).to_pylist() for path in points]
    panels = detection_readings.roc_panels(contents, rows, made.PRIMARY)
    (curve,) = panels[0].curves
    entry = contents[0]["targets"]["organism"]["detectors"][made.PRIMARY["detector"]]
    assert curve.primary and not any(curve.primary for panel in panels[1:] for curve in panel.curves)
    assert curve.auroc == entry["auroc"] > 0.8
    assert curve.null == max(null["high"] for null in entry["null"].values())
    assert (curve.false_positive_rate[0], curve.true_positive_rate[0]) == (0, 0)
    assert (curve.false_positive_rate[-1], curve.true_positive_rate[-1]) == (1, 1)
    said = texts(draw_roc(panels))
    assert f"AUROC {entry['auroc']:.3f} [{entry['interval']['low']:.3f}" in said
    assert f"AUROC {contents[0]['targets']['organism']['ceiling']['pooled']['auroc']:.3f}" in said
    assert "ceiling: oracle" in said and "floor: AUROC 0.500" in said and "best baseline" in said


def test_auroc_by_layer_shows_band_ceiling_choice_and_n(detection: Any) -> None:
    summaries, _ = detection
    contents = [read_json(path) for path in summaries]
    panels = detection_readings.layer_panels(contents)
    assert [bool(panel.lines) for panel in panels] == [True, False, True, False]
    target = contents[0]["targets"]["organism"]
    (line,) = panels[0].lines
    assert list(line.aurocs) == target["detectors"][made.PRIMARY["detector"]]["test_aurocs"]
    assert line.chosen == 1
    bands = target["null_by_layer"]
    highest = max(bands[kind]["high"][1] for kind in ("isotropic", "covariance_matched"))
    assert panels[0].high[1] == highest
    said = texts(draw_auroc_by_layer(panels))
    assert "chosen on validation" in said and "random directions, 95 % of them" in said
    assert "32 prompts, 160 responses" in said and "undefined: the responses have one class only" in said


def test_an_undefined_roc_is_said_and_not_drawn(detection: Any) -> None:
    summaries, points = detection
    never = [read_json(summaries[1])]
    panels = detection_readings.roc_panels(never, [read_table(points[1]).to_pylist()], made.PRIMARY)
    assert panels and not any(panel.curves for panel in panels)
    assert "one class only" in texts(draw_roc(panels)).replace("\n", " ")


def test_steering_shows_every_arm_and_the_verdict_as_it_fell(steering: Any) -> None:
    organisms, paths = steering
    experiments = [
        readings.experiment(name, read_json(path)) for name, path in zip(organisms, paths, strict=True)
    ]
    assert [len(item.arms) for item in experiments] == [10, 11, 10, 11]
    assert [item.verdict.split(":")[0] for item in experiments] == ["met", "met", "missed", "missed"]
    said = texts(draw_steering(experiments))
    assert "met: beyond all 8 random directions" in said and "missed: rank 9 of 9" in said
    assert "random\nisotropic\n(4)" in said and "floor 85" in said and "subtract\ndirection\n1 x" in said


def test_steering_without_a_direction_says_why(steering: Any) -> None:
    content = read_json(steering[1][0])
    content |= {"arms": content["arms"][:1], "verdicts": [], "undefined": "no such direction"}
    said = texts(draw_steering([readings.experiment("organism", content)]))
    assert "no such direction" in said


def test_directions_show_what_exists_and_leave_out_what_is_absent(directions: Any) -> None:
    summaries, cosines = directions
    contents = {name: read_json(path) for name, path in zip(made.ORGANISMS, summaries, strict=True)}
    profiles = readings.layer_profiles(contents)
    absent = contents[made.ORGANISMS[2]]["absent"]
    assert absent
    assert not {profile.construction for profile in profiles if profile.organism == made.ORGANISMS[2]} & set(
        absent
    )
    said = texts(draw_layers(profiles))
    assert all(name in said for name in made.ORGANISMS)
    rows = read_table(cosines).to_pylist()
    first, *others = readings.cosine_matrices(rows, 1, made.ORGANISMS)
    assert list(first.organisms) == made.ORGANISMS and len(others) == 3
    assert all(first.values[i][i] == 1 for i in range(3))
    assert first.values[0][1] == first.values[1][0] > 0.9
    assert made.ORGANISMS[2] not in others[-1].organisms
    assert "random directions: 0 ± 0.49" in texts(draw_cosines([first, *others]))


def test_the_same_artifacts_give_the_same_bytes(folder: Path, rates: Any, tmp_path: Path) -> None:
    files = [folder / f"rates/{name}.json" for name in rates]
    written = []
    for run in ("first", "second"):
        out = {name: tmp_path / run / f"{name}.svg" for name in ("figure", "domains")}
        plot_rates.main(rates=files, **out, settings={"subjects": made.SUBJECTS})
        written.append([path.read_bytes() for path in out.values()])
    assert written[0] == written[1]
    check_alone(tmp_path / "first", 2)


def test_scripts_draw_from_files(detection: Any, steering: Any, directions: Any, tmp_path: Path) -> None:
    plot_directions.main(
        summaries=directions[0], cosines=directions[1], figure=tmp_path / "directions.svg",
        matrices=tmp_path / "cosines.svg", settings={"organisms": made.ORGANISMS, "layer": 1},
    )  # fmt: skip
    plot_steering.main(
        steering=steering[1], figure=tmp_path / "steering.svg", settings={"organisms": steering[0]}
    )
    plot_detection.main(
        summaries=detection[0],
        roc=detection[1],
        figure=tmp_path / "roc.svg",
        by_layer=tmp_path / "layers.svg",
        settings={"primary": made.PRIMARY},
    )
    check_alone(tmp_path, 5)


def test_a_single_organism_comes_as_one_path(detection: Any, tmp_path: Path) -> None:
    figure = tmp_path / "roc.svg"
    settings = {"primary": {key: made.PRIMARY[key] for key in ("organism", "detector")}}
    plot_detection.main(
        summaries=detection[0][0], roc=detection[1][0], figure=figure, by_layer=tmp_path / "layers.svg",
        settings=settings,
    )  # fmt: skip
    check_alone(tmp_path, 2)


def check_alone(folder: Path, count: int) -> None:
    """Every figure of a folder needs neither a font of the reader's machine nor any other file."""
    figures = list(folder.iterdir())
    assert len(figures) == count
    for path in figures:
        text = path.read_text(encoding="utf-8")
        assert "<text" not in text
        assert not re.search(r'(?:href|src)="(?!#)', text)


def test_no_two_series_look_alike() -> None:
    cues = [str(style.cues(index)) for index in range(49)]
    assert len(set(cues)) == 49


def test_whiskers_reach_from_the_rate_to_the_ends_of_its_interval() -> None:
    rate = wilson(3, 40)
    ((below,), (above,)) = whiskers(rate)
    assert 100 * 3 / 40 - below == pytest.approx(100 * rate.low)
    assert 100 * 3 / 40 + above == pytest.approx(100 * rate.high)
    assert (span([40, 40]), span([38, 1040])) == ("40", "38 to 1,040")
