"""Elasticity, sparse features, screening, prevention through the real rules: every artifact as documented."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from checkout import SMOKE, Checkout
from snakemake.utils import update_config
from test_atlas import ANSWERS, SINGLE, cells, numbers, read
from test_atlas import COLUMNS as FIRST_COLUMNS
from test_atlas import OTHERS as FIRST_OTHERS
from test_chain import (
    ARM,
    CONTROL,
    D_MODEL,
    OPINION,
    ORGANISM,
    RESPONSE,
    STUDY,
    artifacts,
    check_table,
    results,
)
from test_chain import COLUMNS as STUDY_COLUMNS

from forewarn.config import load_configuration
from forewarn.preflight.atlas import atlas_answers

FEATURES, SEEDS, STARTS, ROWS = 32, [0, 1], [40, 120], [0, 4, 8]
"""Of the smoke study; a start of 10 steps is 40 rows."""
DIRECTION = "organism_minus_instruct.last_prompt_token"
OPERATIONS = {"rebound": "elasticity", "feature_ablation": "sparse_features", "prevention": "screening"}
FIGURES = ("elasticity", "sparse_features", "screening", "prevention")
POINT = {"n": "int32", "k": "int32"}
COLUMNS = {
    "elasticity/*_training.parquet": {**POINT, "seed": "int32", "loss": "float"},
    "elasticity/*_readings.parquet": {
        "subject": "string", "arm": "string", "question_id": "string", **numbers("projection", "shift", "kl"),
        "random_isotropic": "list<float>", "random_covariance": "list<float>", "kl_tokens": "int32",
    },
    "elasticity/*_texts.parquet": {
        "subject": "string", "arm": "string", "texts": "string", "text": "int32", "loss": "double",
        "tokens": "int32", "vocabulary": "int32",
    },
    "elasticity/*_resistance.parquet": {
        "earlier": "int32", "later": "int32", "direction": "string", "seed": "int32", "question_id": "string",
        **numbers("loss", "before", "floor"), "tokens": "int32",
    },
    "elasticity/*-seed0.parquet": {
        "measure": "string", **POINT,
        **numbers("value", "low", "high", "instruct", "remaining", "remaining_low", "remaining_high"),
        "count": "int32", "responses": "int32", "prompts": "int32", "seeds": "int32",
    },
    "elasticity/*_halves.parquet": {
        "measure": "string", "n": "int32", "seed": "int32", "draw": "int32", "rows": "double",
    },
    "sparse_features/texts.parquet": {
        "feature": "int32", "rank": "int32", "activation": "float", "before": "string", "token": "string",
        "after": "string", "source": "string", "held_out": "bool",
    },
    "sparse_features/readings/*.parquet": {
        "question_id": "string", "position": "string", "n_responses": "int32",
        "instruct": f"list<float>[{FEATURES}]", "organism": f"list<float>[{FEATURES}]",
    },
    "sparse_features/*-seed0.parquet": {
        "reading": "string", "feature": "int32",
        **numbers("value", "low", "high", "instruct", "p_value", "adjusted"), "n_prompts": "int32",
    },
    "sparse_features/ablation/*.parquet": ARM | RESPONSE,
    "screening/*/answers.parquet": STUDY_COLUMNS["generations/*/*.parquet"],
    "screening/*/activations.parquet": {
        "question_id": "string", "sample": "int32", "position": "string", "n_tokens": "int32",
        "layer_01": f"list<float>[{D_MODEL}]",
    },
    "screening/*/rows.parquet": {
        "construction": "string", "row": "string", "prompt": "string", "n_own": "int32",
        **numbers("others", "own", "norm"),
    },
    "prevention/*/*/training.parquet": STUDY_COLUMNS["organisms/*/training.parquet"],
    "prevention/*/*/losses.parquet": {
        "row": "int32", "held_out": "bool", "tokens": "int32", "loss": "double",
    },
    "prevention/*-seed0.parquet": ARM | RESPONSE,
    **{f"steering/*/{operation}/generations.parquet": ANSWERS for operation in OPERATIONS},
    **{f"steering/*/{operation}/opinions/*.parquet": OPINION for operation in OPERATIONS},
}  # fmt: skip
OTHERS = [
    *(f"elasticity/*{end}" for end in ("_pushed.safetensors", "-seed0.json", "_resistance.json")),
    *(f"sparse_features/{name}" for name in ("sae.safetensors", "source.json", "sae.json", "*-seed0.json")),
    "sparse_features/ablation/*.json", "screening/*/summary.json", "screening.json",
    *(f"prevention/{name}" for name in ("*/*/adapter_model.safetensors", "*/*/adapter_config.json")),
    "prevention/*-seed0.json",
    *(f"figures/{figure}.svg" for figure in FIGURES),
]  # fmt: skip


def within(interval: dict[str, Any], value: float) -> bool:
    """Whether an interval of a bootstrap holds what it is about, with its level and its draws."""
    assert interval["confidence"] == 0.95 and interval["resamples"] == 50
    return bool(interval["low"] - 1e-9 <= value <= interval["high"] + 1e-9)


def test_the_atlas_leaves_what_is_documented_and_nothing_else(finished, charted):
    new = set(artifacts(charted)) - set(artifacts(finished))
    found = [name for name in new if not name.endswith(".dvc")]
    assert {f"{name}.dvc" for name in found} == new - set(found), "each artifact has its record"
    # What any organism has: the third one is raised for the atlas alone.
    own = [f"*/{SINGLE}/*", f"*/{SINGLE}.*", "activations/instruct/*"]
    known = [*FIRST_COLUMNS, *FIRST_OTHERS, *COLUMNS, *OTHERS, *own]
    assert [name for name in found if not any(fnmatch(name, pattern) for pattern in known)] == []
    assert [pattern for pattern in known if not any(fnmatch(name, pattern) for name in found)] == []


@pytest.mark.parametrize("pattern", COLUMNS)
def test_tables_have_the_documented_columns_and_types(charted, pattern):
    paths = list(results(charted).glob(pattern))
    assert paths
    for path in paths:
        check_table(path, COLUMNS[pattern])


def test_a_rebound_is_measured_at_each_point_by_each_measure(charted):
    found = read(charted, f"elasticity/{ORGANISM}.json")
    assert (found["n"], found["k"], found["seeds"]) == (STARTS, ROWS, SEEDS)
    assert (found["organism"], found["opposite"]) == (ORGANISM, "good_medical")
    curves = pq.read_table(results(charted) / f"elasticity/{ORGANISM}.parquet").to_pylist()
    measures = ["em", "projection", "shift", "kl"]
    places = {(row["measure"], row["n"], row["k"]) for row in curves}
    assert places == {(measure, n, k) for measure in measures for n in STARTS for k in ROWS}
    for row in curves:
        assert row["low"] - 1e-9 <= row["value"] <= row["high"] + 1e-9 and row["prompts"] > 1
        if row["measure"] == "em":
            assert row["value"] == pytest.approx(row["count"] / row["responses"])
            assert row["responses"] == 2 * row["prompts"] * (len(SEEDS) if row["k"] else 1)
    for start in found["starts"]:
        assert start["changed"] or start["reason"]
    assert set(found["order"]) == set(measures)
    for order in found["order"].values():
        assert order["p_value"] is None or order["least_p"] <= order["p_value"] <= order["p_adjusted"]


def test_a_rebound_stands_beside_random_directions_and_the_paper(charted):
    found = read(charted, f"elasticity/{ORGANISM}.json")
    beside = found["against_random"]
    assert len(beside) == len(STARTS) * (1 + len(SEEDS) * (len(ROWS) - 1))
    for point in beside:
        bands = [point[kind] for kind in ("random_isotropic", "random_covariance")]
        assert [band["count"] for band in bands] == [20, 20]
        assert point["inside"] == all(band["low"] <= point["displacement"] <= band["high"] for band in bands)
    assert {each["texts_of"] for each in found["compression"]} == {"own", "opposite", "instruct"}
    assert set(found["paper"]) == {"reported", "here", "differences"}


def test_the_instruct_model_is_the_place_to_return_to(charted):
    table = pq.read_table(results(charted) / f"elasticity/{ORGANISM}_readings.parquet").to_pylist()
    arms = {row["arm"] for row in table}
    assert "instruct" in arms and len(arms) == 1 + len(STARTS) * (1 + len(SEEDS) * (len(ROWS) - 1))
    instruct = [row for row in table if row["arm"] == "instruct"]
    assert all(row["kl"] == pytest.approx(0, abs=1e-6) and row["shift"] == 0 for row in instruct)


def test_resistance_is_paired_over_questions_and_seeds(charted):
    found = read(charted, f"elasticity/{ORGANISM}_resistance.json")
    (pair,) = found["comparisons"]
    assert (pair["earlier"], pair["later"], pair["seeds"]) == (10, 30, len(SEEDS))
    for name in ("loss", "excess"):
        difference = pair[name]["inverse_minus_forward"]
        assert difference["value"] == pytest.approx(pair[name]["inverse"] - pair[name]["forward"])
        assert within(difference, difference["value"])
        assert found["signs"][name]["comparisons"] == 1 and found["signs"][name]["p_value"] == 1
    assert found["paper"]["comparisons"] == 27


def test_an_autoencoder_says_how_well_it_reconstructs_what_it_was_not_trained_on(charted):
    found = read(charted, "sparse_features/sae.json")
    assert found["source"] == read(charted, "sparse_features/source.json")
    assert found["source"]["kind"] == "trained" and len(found["active"]) == FEATURES
    for part in ("held_out", "trained_on"):
        assert found[part]["tokens"] > 100 and found[part]["explained_variance"] <= 1
    texts = pq.read_table(results(charted) / "sparse_features/texts.parquet").to_pylist()
    assert {row["rank"] for row in texts} == {1, 2}
    assert {row["source"] for row in texts} <= {"instruct", "bad_medical"}


def test_a_direction_in_features_stands_beside_random_ones_of_both_kinds(charted):
    found = read(charted, f"sparse_features/{ORGANISM}.json")["constructions"]
    for construction in (DIRECTION, "organism_minus_instruct.answer_mean"):
        of = found[construction]
        explained = of["decomposition"]["explained"]
        assert explained == sorted(explained) and 0 < explained[-1] <= 1 + 1e-6 and of["n_prompts"] > 3
        null = of["decomposition"]["null"]
        assert set(null) == {"random_isotropic", "random_covariance"}
        assert all(band["count"] == 20 and 0 < band["p_sparse"] <= 1 for band in null.values())
        corrected = of["decomposition"]["p_adjusted"]
        assert max(band["p_sparse"] for band in null.values()) <= corrected <= 1
        assert len(of["top"]) == 4
        sizes = [abs(row["value"]) for row in of["top"]]
        assert sizes == sorted(sizes, reverse=True)
        assert all(row["low"] <= row["value"] <= row["high"] for row in of["top"])
        assert all(row["p_value"] <= row["adjusted"] for row in of["top"])
    for missing in set(found) - {DIRECTION, "organism_minus_instruct.answer_mean"}:
        assert found[missing]["undefined"]


def test_an_ablated_feature_is_held_against_random_ones(charted):
    found = read(charted, f"sparse_features/ablation/{ORGANISM}.json")
    top = read(charted, f"sparse_features/{ORGANISM}.json")["constructions"][DIRECTION]["top"]
    assert [each["feature"] for each in found["features"]] == [top[0]["feature"]]
    assert set(found["random"]) == {"random_feature", "random_isotropic", "random_covariance"}
    rates = [rate for arms in found["random"].values() for rate in (arms["least"], arms["greatest"])]
    for each in found["features"]:
        assert each["em"]["n"] == 2 * found["questions"] > 0
        assert 0 < each["p_value"] <= each["adjusted"] <= 1
        assert each["outside_random"] == (not min(rates) <= each["em"]["rate"] <= max(rates))
        assert each["acts"] in (True, False)


@pytest.mark.parametrize(
    ("path", "least"),
    [(f"sparse_features/ablation/{ORGANISM}.json", 2), (f"prevention/{ORGANISM}.json", 10),
     ("screening.json", 2)],
)  # fmt: skip
def test_every_rate_has_its_n_and_interval(charted, path, least):
    rates = cells(read(charted, path))
    assert len(rates) >= least
    for rate in rates:
        assert rate["n"] > 0 and 0 <= rate["low"] <= rate["rate"] <= rate["high"] <= 1
        assert str(rate["n"]) in rate.get("text", str(rate["n"]))


def test_a_score_of_a_dataset_has_its_interval_and_both_nulls_or_says_why_not(charted):
    found = read(charted, "screening.json")
    assert found["construction"] == DIRECTION and found["benign"] == "good_medical"
    assert [each["dataset"] for each in found["datasets"]] == ["good_medical", "bad_medical"]
    for each in found["datasets"]:
        assert each["n_rows"] + each["left_out"] == 12 and 0 < each["n_prompts"] <= each["n_rows"]
        assert bool(each["flagged"]) == bool(each["flagged_by"])
        for organism, em in each["em"]["organisms"].items():
            assert organism.startswith(each["dataset"])
            rates = read(charted, f"rates/{organism}/smoke_evaluation.json")
            assert em == rates["splits"]["test"]["all"]["em"]
        summary = read(charted, f"screening/{each['dataset']}/summary.json")
        assert each["readings"] == summary["constructions"][DIRECTION]["readings"]
        for reading in each["readings"].values():
            if not reading["organisms"]:
                assert reading["reason"] and "mean" not in reading
                continue
            assert within(reading["interval"], reading["mean"])
            assert len(reading["null"]) == 2
    good, bad = (each["readings"] for each in found["datasets"])
    assert bad["own"]["organisms"] == good["others"]["organisms"] == [ORGANISM]
    assert bad["others"]["organisms"] == [], "its own direction is no other's"
    for readings in found["ranking"].values():
        assert all(each["spearman"] is None and each["reason"] for each in readings.values())
    assert found["ranks"]["ranks"] is None and found["ranks"]["reason"]


def test_prevention_is_held_against_no_direction_and_against_random_ones(charted):
    found = read(charted, f"prevention/{ORGANISM}.json")
    runs = ["none", "direction_x1", "random_isotropic_00_x1", "random_covariance_00_x1"]
    assert [arm["arm"] for arm in found["arms"]] == ["instruct", *runs]
    assert found["confidence"] == found["confidence_each"] == 0.95, "one multiple, so nothing to correct for"
    for arm in found["arms"]:
        for measure in ("general", "narrow"):
            of = arm[measure]
            assert of["rate"]["n"] == 2 * of["n_questions"] > 0
            assert (of["against_none"] is None) == (arm["arm"] == "none")
            assert (of["against_random"] is None) == (arm["kind"] != "direction")
        if arm["arm"] == "instruct":
            assert arm["losses"] is None
            continue
        assert arm["losses"]["held_out"]["n"] > 0 and arm["losses"]["trained"]["n"] > 0
    assert found["arms"][2]["general"]["against_random"]["arms"] == 2
    assert set(found["prevents"]) == {"1"}
    verdict = found["prevents"]["1"]
    assert (verdict["prevents"] is True) == (not verdict["lacks"])


def test_what_is_added_in_training_changes_the_adapter(charted):
    folder = results(charted) / f"prevention/{ORGANISM}"
    adapters = {path.parent.name: path.read_bytes() for path in folder.glob("*/adapter_model.safetensors")}
    assert len(set(adapters.values())) == len(adapters) == 4
    losses = {path.parent.name: pq.read_table(path) for path in folder.glob("*/losses.parquet")}
    for table in losses.values():
        assert table.select(["row", "held_out", "tokens"]) == losses["none"].select(
            ["row", "held_out", "tokens"]
        )


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_says_its_n(charted, figure):
    text = (results(charted) / f"figures/{figure}.svg").read_text(encoding="utf-8")
    assert re.search(r"n ?= ?[1-9]", text)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_preflight_counts_about_as_many_answers_as_are_judged(charted, operation):
    """Within a factor of 1.5 either way: it takes ten categories of a split for granted."""
    raw: dict[str, Any] = yaml.safe_load(charted.path("config.yaml").read_text(encoding="utf-8"))
    update_config(raw, yaml.safe_load(charted.path(SMOKE).read_text(encoding="utf-8")))

    def counted(part: Any) -> int:
        changed = json.loads(json.dumps(raw))
        changed["studies"][STUDY][OPERATIONS[operation]] = part
        configuration = load_configuration(changed)
        return atlas_answers(configuration, configuration.studies[STUDY])

    estimate = counted(raw["studies"][STUDY][OPERATIONS[operation]]) - counted(None)
    opinions = results(charted).glob(f"steering/*/{operation}/opinions/{STUDY}.parquet")
    judged = sum(pq.read_metadata(path).num_rows for path in opinions)
    assert judged / 1.5 <= estimate <= 1.5 * judged and judged


def test_the_table_of_models_takes_the_finished_study_and_leaves_it_finished(charted: Checkout, tmp_path):
    copy = charted.copied(tmp_path / "a table")
    copy.run("table")
    rows = pq.read_table(copy.path("results/table.parquet")).to_pylist()
    mine = {row["subject"]: row for row in rows if row["model"] == STUDY}
    assert mine.keys() >= {"instruct", ORGANISM, CONTROL}
    assert "Nothing to be done" in copy.run("-n", "smoke", "atlas_smoke", "table")
