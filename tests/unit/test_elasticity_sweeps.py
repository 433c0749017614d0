"""Elasticity over models: a planted order is told, models that return alike are not told apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import save_file

import compare_elasticity
import plot_elasticity_sweeps
from forewarn.elasticity.collected import SWEEPS, count_resistance, parameters_of
from forewarn.elasticity.grids import MEASURES
from forewarn.elasticity.order import order_over_n, shuffled, signs_of
from forewarn.elasticity.rebound import summarise_rebound
from forewarn.elasticity.resistance import summarise_resistance
from forewarn.elasticity.sweeps import Returned, compare_models
from forewarn.errors import StudyError
from forewarn.files import read_json, read_table, write_json, write_table
from forewarn.steering.contrasts import Measurement
from planted_rebounds import PAIRS, planted, planted_losses

HOW = Measurement(bootstrap=200)
NAMES = ("small", "middle", "large")
STARTS = (320, 640)


def returned(name: str, half: float, *, inverse: float | None = None, seed: int = 0, **more: Any) -> Returned:
    """A model whose changes are half undone after `half` rows."""
    summary, _, halves = summarise_rebound(*planted(dict.fromkeys(STARTS, half), seed=seed, **more), HOW)
    resistance = None
    if inverse is not None:
        resistance = summarise_resistance(planted_losses(inverse=inverse, seed=seed), HOW)
    return Returned(name, json.loads(json.dumps(summary)), halves, resistance)


def row_of(halves: tuple[float, ...], inverse: tuple[float, ...] = (0.0, -0.05, -0.1)) -> list[Returned]:
    """Models with these half-returns, each with noise of its own."""
    parts = zip(NAMES, halves, inverse, strict=True)
    return [returned(name, half, inverse=way, seed=seed) for seed, (name, half, way) in enumerate(parts)]


@pytest.mark.parametrize(("halves", "sign"), [((100, 50, 20), 1), ((20, 50, 100), -1)])
def test_a_planted_order_of_models_is_told(halves, sign):
    found = compare_models(row_of(halves), HOW)
    word = {1: "faster", -1: "slower"}[sign]
    for measure in ("projection", "shift", "kl"):
        trend = found["trend"][measure]
        assert trend["statistic"] == sign and trend["pairs"] == 3 * 2 * 3 and trend["verdict"] == word
        assert trend["over_runs"]["p_value"] == pytest.approx(2 / 216) == trend["over_runs"]["least_p"]
        assert trend["over_models"]["p_value"] == pytest.approx(1 / 3) == trend["over_models"]["least_p"]
    assert found["trend"]["em"]["verdict"] == word
    (ends,) = [
        row for row in found["pairs"]
        if row["models"] == ["small", "large"] and row["measure"] == "kl" and row["n"] == 640
    ]  # fmt: skip
    assert ends["verdict"] == word and ends["low"] < ends["rows"] < ends["high"]
    assert ends["low"] <= sign * 80 <= ends["high"] or abs(ends["rows"] - sign * 80) < 8
    assert len(found["half_returns"]) == 3 * 2 * 4 and not found["missing"]


def test_models_that_return_alike_are_not_told_apart():
    wrong = 0
    for seed in range(4):
        models = [returned(name, 40, seed=10 * seed + number) for number, name in enumerate(NAMES)]
        found = compare_models(models, HOW)
        wrong += sum(each["verdict"] != "not told apart" for each in found["trend"].values())
    assert wrong <= 1  # of 16


def test_what_could_not_be_undone_is_missing_and_named():
    models = row_of((100, 50, 20))
    models[0] = returned("small", 40, em=0.05, reach=0.0, seed=4)
    found = compare_models(models, HOW)
    lost = {(row["model"], row["n"]) for row in found["missing"] if row["measure"] == "kl"}
    assert lost == {("small", n) for n in STARTS}
    assert all(row["reason"] for row in found["missing"])
    # The two that are left are compared, and no pair with the one that has no return
    assert found["trend"]["kl"]["pairs"] == 6 and found["trend"]["kl"]["statistic"] == 1
    of_kl = [row for row in found["pairs"] if row["measure"] == "kl"]
    assert {tuple(row["models"]) for row in of_kl} == {("middle", "large")}
    assert found["trend"]["kl"]["verdict"] == "not told apart"  # for the first one has nothing to say
    assert {
        "model": "small",
        "n": None,
        "measure": "resistance",
        "reason": "no checkpoints were compared",
    } in (found["missing"])
    empty = compare_models([returned(name, 40, em=0.05, reach=0.0, seed=4) for name in NAMES], HOW)
    trend = empty["trend"]["shift"]
    assert (trend["statistic"], trend["over_runs"]["p_value"], trend["verdict"]) == (
        None,
        None,
        "not told apart",
    )


def test_resistance_is_told_by_model_and_counted_over_all():
    models = row_of((40, 40, 40), inverse=(0.1, -0.1, -0.3))
    found = compare_models(models, HOW)["resistance"]["excess"]
    assert found["trend"]["statistic"] == 1 and found["trend"]["pairs"] == 3 * len(PAIRS)
    assert found["trend"]["over_models"]["p_value"] == pytest.approx(1 / 3)
    assert [row["model"] for row in found["comparisons"]] == [name for name in NAMES for _ in PAIRS]
    counted = count_resistance({(each.model, "bad-tiny-seed0"): each.resistance for each in models})
    excess = counted["excess"]
    assert (excess["comparisons"], excess["inverse_lower"], excess["lower_told_apart"]) == (9, 6, 6)
    assert excess["higher_told_apart"] == 3 and excess["p_value"] == pytest.approx(0.5078, abs=1e-3)
    assert excess["over_organisms"] == {
        "organisms": 3, "inverse_lower": 2, "p_value": pytest.approx(1.0), "least_p": pytest.approx(0.25)
    }  # fmt: skip
    assert counted["paper"]["inverse_lower"] == 27 and counted["paper"]["p_value"] < 1e-7
    assert count_resistance({})["loss"]["p_value"] is None


def test_models_that_were_pushed_otherwise_are_refused():
    models = [returned("small", 40), returned("large", 40, seeds=(0, 1))]
    with pytest.raises(StudyError, match=r"large was pushed back with other seeds than small"):
        compare_models(models, HOW)


VALUES = arrays(np.float64, (3, 2), elements=st.integers(0, 5).map(float) | st.sampled_from([np.inf, np.nan]))


@given(VALUES)
def test_the_order_turns_its_sign_with_the_models_and_ignores_their_units(values):
    forward, backward = shuffled(signs_of(values)), shuffled(signs_of(values[::-1]))
    assert forward["total"] == -backward["total"] and forward["p_value"] == backward["p_value"]
    assert shuffled(signs_of(3 * values + 1)) == forward
    assert forward["least_p"] <= forward["p_value"] <= 1 and abs(forward["total"]) <= 6
    if not np.isnan(values).any():
        assert order_over_n(values)["statistic"] == forward["total"] / 6


def test_the_scripts_write_the_comparison_and_draw_it(tmp_path: Path):
    summaries, halves, resistance, weights = [], [], [], []
    for each in row_of((100, 50, 20)):
        rate = {"n": None, "texts_of": "own", "rate": 0.5, "interval": {"low": 0.4, "high": 0.6}, "texts": 3}
        extra = {"opposite": "good", "compression": [rate, rate | {"n": 320}]}
        for paths, suffix in ((summaries, ".json"), (halves, ".parquet"), (resistance, "_resistance.json")):
            paths.append(tmp_path / f"{each.model}{suffix}")
        write_json(summaries[-1], each.summary | extra)
        write_table(halves[-1], each.halves)
        write_json(resistance[-1], each.resistance)
    weights.append(tmp_path / "small.safetensors")
    tensors = {"model.embed_tokens.weight": (5, 2), "lm_head.weight": (5, 2), "model.norm.weight": (2,)}
    save_file({name: np.zeros(shape, np.float32) for name, shape in tensors.items()}, weights[0])
    organism = "bad-tiny-seed0"
    settings = {
        "organism": organism,
        "sweeps": {"size": list(NAMES), "pretraining": ["small", "large"]},
        "models": [{"model": name, "pretraining_steps": 10 if name == "small" else None} for name in NAMES],
        "resisted": [[name, organism] for name in NAMES],
        "weighed": ["small"],
        "measure": {"confidence": 0.95, "bootstrap": 200, "seed": 0},
    }
    files = {"comparison": tmp_path / "sweeps.json", "table": tmp_path / "sweeps.parquet"}
    compare_elasticity.main(
        summaries=summaries, halves=halves, resistance=resistance, weights=weights, settings=settings, **files
    )
    found, table = read_json(files["comparison"]), read_table(files["table"])
    assert found["models"]["small"] == {
        "pretraining_steps": 10, "parameters": {"embedding": 20, "other": 2},
        "compression": {"own": {"low": 0.4, "high": 0.6, "rate": 0.5, "texts": 3}},
    }  # fmt: skip
    assert found["models"]["large"]["parameters"] is None
    assert found["sweeps"]["size"]["trend"]["kl"]["verdict"] == "faster"
    paper = found["sweeps"]["pretraining"]["paper"]
    assert paper["here"]["kl"] == "open" and "TinyLlama" in paper["reported"]  # two models are too few
    assert found["sweeps"]["size"]["paper"]["here"]["kl"] == "as reported"
    assert found["resistance"]["loss"]["comparisons"] == 9
    assert table.schema == SWEEPS and table.num_rows == (3 + 2) * len(STARTS) * len(MEASURES)
    drawn = tmp_path / "sweeps.svg"
    plot_elasticity_sweeps.main(comparison=files["comparison"], figure=drawn)
    before = drawn.read_bytes()
    plot_elasticity_sweeps.main(comparison=files["comparison"], figure=drawn)
    assert drawn.read_bytes() == before and before.startswith(b"<?xml")


def test_a_comparison_without_returns_and_resistance_can_be_drawn(tmp_path: Path):
    models = [returned(name, 40, em=0.05, reach=0.0, seed=4) for name in NAMES]
    found = {
        "prompts": 40, "seeds": [0, 1, 2], "k": [0, 16, 256], "n": list(STARTS),
        "models": {name: {"parameters": None, "pretraining_steps": None} for name in NAMES},
        "sweeps": {"pretraining": compare_models(models, HOW)}, "resistance": count_resistance({}),
    }  # fmt: skip
    write_json(tmp_path / "sweeps.json", found)
    plot_elasticity_sweeps.main(comparison=tmp_path / "sweeps.json", figure=tmp_path / "sweeps.svg")
    assert (tmp_path / "sweeps.svg").stat().st_size > 1000


def test_a_file_without_tensors_is_told(tmp_path: Path):
    (tmp_path / "model.safetensors").write_text("nothing")
    with pytest.raises(StudyError, match="no file of tensors"):
        parameters_of(tmp_path / "model.safetensors")
