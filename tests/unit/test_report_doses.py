"""The figure of doses, layers and transfer shows what the summaries say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.text import Text

import plot_doses
from forewarn.files import write_json
from forewarn.geometry.random_directions import isotropic
from forewarn.geometry.tensors import write_tensors
from forewarn.report.dose_readings import panel
from forewarn.report.doses import draw_doses
from forewarn.steering.arms import BASELINE, Arm, block_arms, dose_arms, everywhere_arms, own_arm
from forewarn.steering.responses import RESPONSES
from forewarn.steering.summary import summarise

NAME = "organism_minus_instruct.last_prompt_token"
ORGANISM = "bad_medical-rank8-seed0"
OTHERS = ["finance-rank8-seed0", "sports-rank8-seed0"]
DIRECTION = isotropic(1, 16, 0)[0]
RANDOMS: Any = {"random_isotropic": isotropic(2, 16, 1), "random_covariance": isotropic(1, 16, 2)}
ARMS: dict[str, list[Arm]] = {
    "add_doses": [
        BASELINE,
        *dose_arms("add", DIRECTION, 1, [0.5, 1.0], RANDOMS),
        *dose_arms("add", DIRECTION, 1, [0.5, 1.0], RANDOMS, "prompt"),
    ],
    "subtract_doses": [BASELINE, *dose_arms("subtract", DIRECTION, 1, [0.5, 1.0], RANDOMS)],
    "layers": [
        BASELINE,
        *everywhere_arms(DIRECTION, RANDOMS),
        *everywhere_arms(DIRECTION, RANDOMS, "prompt"),
        *block_arms(DIRECTION, 1, RANDOMS),
        *block_arms(DIRECTION, 2, RANDOMS),
    ],
    "transfer": [BASELINE, *everywhere_arms(DIRECTION, RANDOMS), own_arm(DIRECTION)],
}


def share(arm: Arm) -> float:
    """What is planted: the direction acts with its dose, one of the random ones a little."""
    if "random" in arm.kind:
        return 0.4 if "isotropic_01" in arm.name else 0.3
    return 0.2 + 0.4 * (arm.coefficient or 0) if arm.kind == "direction" else 0.2


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("doses")
    vectors = np.tile(DIRECTION, (3, 1)).astype(np.float32)
    vectors[0] = 0
    write_tensors(folder / "directions.safetensors", {NAME: vectors}, layers=[0, 1, 2])
    found = {}
    for operation, arms in ARMS.items():
        rows = []
        for subject in OTHERS if operation == "transfer" else [ORGANISM]:
            for arm in arms:
                for number in range(20):
                    misaligned = number < round(20 * share(arm))
                    rows.append(
                        {
                            "subject": subject, "arm": arm.name, "operation": arm.operation,
                            "kind": arm.kind, "coefficient": arm.coefficient, "layer": arm.layer,
                            "positions": arm.positions, "question_id": f"q{number % 10}", "category": "a",
                            "condition": "plain", "split": "test", "sample": number // 10,
                            "response": "words", "finish_reason": "stop", "outcome": "scored",
                            "aligned": 5.0 if misaligned else 95.0, "coherent": 90.0,
                            "misaligned": misaligned, "correct": None,
                        }
                    )  # fmt: skip
        settings = {
            "operation": operation,
            "steering": {
                "direction": NAME, "layer": 1, "coherence_floor": 85, "power": 0.8, "bootstrap": 40,
                "seed": 0, "layer_by_layer": "all",
            },
            "confidence": 0.95,
            "thresholds": {"alignment_below": 30, "coherence_above": 50},
        }  # fmt: skip
        table = pa.Table.from_pylist(rows, schema=RESPONSES)
        found[operation] = summarise(table, folder / "directions.safetensors", settings)
    return found


def texts(figure: Any) -> str:
    found = figure.findobj(Text)
    for ax in figure.axes:
        found += [*ax.get_xticklabels(), *ax.get_yticklabels()]
    return "\n".join(text.get_text() for text in found)


def test_a_curve_runs_from_the_baseline_over_the_doses(contents: dict[str, Any]) -> None:
    drawn = panel(ORGANISM, contents["add_doses"])
    assert drawn.categories is None and drawn.coherence_floor == 85
    line = [mark for mark in drawn.marks if mark.series == "direction"]
    assert [(mark.x, mark.misaligned.value) for mark in line] == [(0, 0.2), (0.5, 0.4), (1.0, 0.6)]
    assert line[0].random_misaligned == (0.2, 0.2, 0.2), "at dose 0 nothing was done"
    assert line[1].random_misaligned == pytest.approx((0.3, 1 / 3, 0.4))
    prompt = [mark for mark in drawn.marks if mark.series == "direction, prompt alone"]
    assert [mark.x for mark in prompt] == [0, 0.5, 1.0]
    arm = next(each for each in contents["add_doses"]["arms"] if each["arm"] == "add_1x_direction")
    assert (line[2].misaligned.low, line[2].misaligned.high) == (arm["em"]["low"], arm["em"]["high"])
    ends = arm["coherence_interval"]
    assert line[2].coherence == (90, ends["low"], ends["high"])
    assert {mark.series for mark in drawn.marks} == {"nothing", "direction", "direction, prompt alone"}


def test_layers_stand_side_by_side(contents: dict[str, Any]) -> None:
    drawn = panel(ORGANISM, contents["layers"])
    assert drawn.categories == ["nothing", "every\nlayer", "layer\n1", "layer\n2"]
    places = [(mark.x, mark.series) for mark in drawn.marks]
    assert places == [
        (0, "nothing"), (1, "direction"), (1, "direction, prompt alone"), (2, "direction"), (3, "direction")
    ]  # fmt: skip


def test_other_organisms_stand_side_by_side_with_their_own_direction(contents: dict[str, Any]) -> None:
    drawn = panel(ORGANISM, contents["transfer"])
    assert drawn.categories == ["finance\nrank8\nseed0", "sports\nrank8\nseed0"]
    series = ["nothing", "direction", "its own direction"]
    assert [(mark.x, mark.series) for mark in drawn.marks] == [(x, name) for x in (0, 1) for name in series]
    assert [mark.random_misaligned is not None for mark in drawn.marks] == [False, True, False] * 2


def test_the_figure_says_what_was_done_in_whom_and_how_often(contents: dict[str, Any]) -> None:
    figure = draw_doses([panel(ORGANISM, content) for content in contents.values()])
    said = texts(figure)
    assert len(figure.axes) == 8
    for phrase in (
        "added to the instruct model after layer 1", "subtracted in the organism after layer 1",
        "ablated in other organisms", "misaligned (%), n=20 per arm", "multiple of the direction",
        "direction, prompt alone", "its own direction", "random, as the direction", ORGANISM, "every\nlayer",
    ):  # fmt: skip
        assert phrase in said
    upper = figure.axes[0]
    points = {tuple(point) for line in upper.lines for point in line.get_xydata().round(6).tolist()}
    assert {(0.0, 20.0), (0.5, 40.0), (1.0, 60.0)} <= points


def test_organisms_have_rows_of_their_own(contents: dict[str, Any]) -> None:
    panels = [panel(ORGANISM, content) for content in contents.values()]
    figure = draw_doses([*panels, panel("another-rank8-seed0", contents["layers"])])
    assert len(figure.axes) == 16
    assert sum(ax.axison for ax in figure.axes) == 10


def test_without_a_direction_the_panel_says_why(contents: dict[str, Any]) -> None:
    for operation, content in contents.items():
        alone = [arm for arm in content["arms"] if arm["kind"] == "baseline"]
        empty = content | {"arms": alone, "undefined": f"no direction for {operation}"}
        assert f"no direction for {operation}" in texts(draw_doses([panel(ORGANISM, empty)]))


def test_without_random_arms_or_scores_what_is_there_is_drawn(contents: dict[str, Any]) -> None:
    content = contents["add_doses"]
    nothing = {"low": None, "high": None, "reason": "no response was scored"}
    arms = [
        arm | {"mean_coherence": None, "coherence_interval": nothing}
        for arm in content["arms"]
        if not arm["kind"].startswith("random")
    ]
    drawn = panel(ORGANISM, content | {"arms": arms})
    assert all(mark.random_misaligned is None and mark.coherence is None for mark in drawn.marks)
    draw_doses([drawn])


def test_the_same_summaries_give_the_same_bytes(contents: dict[str, Any], tmp_path: Path) -> None:
    paths = [tmp_path / f"{operation}.json" for operation in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        write_json(path, content)
    for name in ("one.svg", "two.svg"):
        settings = {"organisms": [ORGANISM] * len(paths)}
        plot_doses.main(steering=paths, figure=tmp_path / name, settings=settings)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert "<text" not in (tmp_path / "one.svg").read_text(encoding="utf-8")
    plot_doses.main(steering=paths[0], figure=tmp_path / "alone.svg", settings={"organisms": [ORGANISM]})
