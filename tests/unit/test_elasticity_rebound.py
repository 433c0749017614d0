"""Rebounds with a known return, order and lead are told as such; where nothing changed nothing is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from forewarn.elasticity.arms import Place
from forewarn.elasticity.grids import MEASURES
from forewarn.elasticity.readings import READINGS
from forewarn.elasticity.rebound import CURVES, HALVES, summarise_rebound
from forewarn.errors import StudyError
from forewarn.steering.contrasts import Measurement
from planted_rebounds import POINTS, planted

HOW = Measurement(bootstrap=300)


def of(found, key, **which):
    (row,) = [row for row in found[key] if all(row[name] == value for name, value in which.items())]
    return row


def test_the_planted_return_is_found_with_its_speed_and_what_is_left():
    found, curves, _ = summarise_rebound(*planted({640: 40}), HOW)
    for measure in MEASURES:
        row = of(found, "starts", n=640, measure=measure)
        half = row["half_return"]
        assert row["changed"] and half["low"] <= 43 and half["high"] >= 40 and half["without"] == 0, measure
        assert abs(half["rows"] - 41.7) < 4  # a straight line between 32 and 64 rows lies above the curve
        assert abs(row["left"]["share"]) < 0.15 and row["left"]["k"] == 256
    assert curves.schema == CURVES and curves.num_rows == 4 * len(POINTS)
    first, last = (row for row in curves.to_pylist() if row["measure"] == "em" and row["k"] in (0, 256))
    assert (first["responses"], first["seeds"], last["responses"], last["seeds"]) == (200, 1, 600, 3)
    assert first["low"] < 0.6 < first["high"] and last["low"] <= last["value"] <= last["high"]
    assert found["order"]["em"]["p_value"] is None  # one start has no order


def test_draws_and_seeds_of_the_half_return_are_kept_for_comparisons_of_models():
    found, _, halves = summarise_rebound(*planted({320: 1e9, 640: 40}), HOW)
    assert halves.schema == HALVES
    rows = [row for row in halves.to_pylist() if row["measure"] == "kl" and row["n"] == 640]
    drawn = [row["rows"] for row in rows if row["seed"] is None]
    assert len(drawn) == 1 + HOW.bootstrap and [row["draw"] for row in rows[:2]] == [0, 1]
    half = of(found, "starts", n=640, measure="kl")["half_return"]
    assert drawn[0] == half["rows"] and half["low"] <= np.median(drawn[1:]) <= half["high"]
    alone = {row["seed"]: row["rows"] for row in rows if row["seed"] is not None}
    assert alone.keys() == {0, 1, 2} and abs(np.mean(list(alone.values())) - drawn[0]) < 2
    never = [row["rows"] for row in halves.to_pylist() if row["measure"] == "em" and row["n"] == 320]
    assert np.mean(np.isinf(never)) > 0.95


def test_an_organism_that_does_not_return_has_no_half():
    found, *_ = summarise_rebound(*planted({640: 1e9}), HOW)
    row = of(found, "starts", n=640, measure="em")
    assert row["half_return"]["rows"] is None and row["half_return"]["without"] > 0.95
    assert row["left"]["low"] > 0.7
    assert of(found, "leads", measure="projection")["verdict"] == "undecided"


def test_on_null_data_nothing_is_reported():
    wrong = 0
    for seed in range(5):
        found, curves, _ = summarise_rebound(*planted({640: 40}, em=0.05, reach=0.0, seed=seed), HOW)
        assert not of(found, "starts", n=640, measure="shift")["changed"]
        wrong += of(found, "starts", n=640, measure="em")["changed"]
        if not found["leads"]:
            assert "nothing to return from" in of(found, "starts", n=640, measure="em")["reason"]
            assert set(curves["remaining"].to_pylist()) == {None}
    assert wrong <= 1


@pytest.mark.parametrize(
    "halves, sign", [({320: 90, 640: 45, 1280: 20}, 1), ({320: 20, 640: 45, 1280: 90}, -1)]
)
def test_the_planted_order_over_n_is_found(halves, sign):
    found, *_ = summarise_rebound(*planted(halves), HOW)
    for measure in ("projection", "shift", "kl"):
        order = found["order"][measure]
        assert order["statistic"] == sign and order["p_value"] == pytest.approx(2 / 216), measure
        assert order["p_adjusted"] <= 4 * 2 / 216
    assert found["order"]["em"]["statistic"] * sign > 0.5
    for measure in MEASURES:
        (extremes,) = [row for row in found["speeds"][measure] if row["n"] == [320, 1280]]
        assert extremes["verdict"] == {1: "faster", -1: "slower"}[sign] and extremes["rows"] * sign > 50


def test_starts_that_return_alike_are_not_told_apart():
    wrong = 0
    for seed in range(4):
        found, *_ = summarise_rebound(*planted({320: 40, 640: 40, 1280: 40}, seed=seed), HOW)
        wrong += sum(row["verdict"] != "neither" for row in found["speeds"]["em"])
        wrong += sum(each["p_adjusted"] < 0.05 for each in found["order"].values())
    assert wrong <= 2  # of 28


def test_a_planted_lead_is_found_and_none_where_there_is_none():
    found, *_ = summarise_rebound(*planted({640: 40}, behind=40), HOW)
    for measure in ("projection", "shift", "kl"):
        lead = of(found, "leads", measure=measure)
        assert lead["verdict"] == "leads" and lead["low"] < 40 < lead["high"], measure
    verdicts = []
    for seed in range(6):
        found, *_ = summarise_rebound(*planted({640: 40}, seed=seed), HOW)
        verdicts.append(of(found, "leads", measure="projection")["verdict"])
    assert verdicts.count("neither") >= 5


def test_without_a_direction_the_rest_is_told():
    responses, readings = planted({640: 40})
    blank = pa.nulls(readings.num_rows, pa.float64())
    readings = readings.set_column(
        readings.column_names.index("projection"), READINGS.field("projection"), blank
    )
    found, *_ = summarise_rebound(responses, readings, HOW)
    assert {row["measure"] for row in found["starts"]} == {"em", "shift", "kl"}


def test_a_missing_point_is_refused():
    responses, readings = planted({640: 40})
    fewer = readings.filter(pa.array([arm != Place(640, 32, 1).name for arm in readings["arm"].to_pylist()]))
    with pytest.raises(StudyError, match="nothing of n00640_k00032_seed1"):
        summarise_rebound(responses, fewer, HOW)
