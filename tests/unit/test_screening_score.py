"""Planted truth for screening: known scores come back in their order, and null data give nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from forewarn.errors import StudyError
from forewarn.files import write_table
from forewarn.geometry.tensors import write_tensors
from forewarn.report.screening import draw_screening
from forewarn.report.style import write_figure
from forewarn.screening.beside_benign import beside_benign
from forewarn.screening.comparing import compare_datasets
from forewarn.screening.dataset import screen_dataset
from forewarn.screening.directions import Source, readings
from forewarn.screening.ranking import rank_correlation, rank_correlations
from forewarn.screening.rows import prompt_keys, taught_answers
from forewarn.screening.score import How, Screened, read_screened, score

WIDTH, ROWS, PROMPTS = 24, 120, 40
CONSTRUCTION = "organism_minus_instruct.answer_mean"
HOW = How(300, 500, 200, (0.1, 0.5), 0.95, 0)
TRUTH = np.eye(WIDTH)[0]


def screened(strength, seed, prompts=PROMPTS):
    """Rows whose answers differ from the model's by `strength` along the truth, and noise."""
    generator = np.random.default_rng(seed)
    names = tuple(f"p{number % prompts}" for number in range(ROWS))
    shared = generator.normal(size=(prompts, WIDTH))[np.arange(ROWS) % prompts]
    differences = 0.7 * shared + generator.normal(size=(ROWS, WIDTH)) + strength * TRUTH
    own = generator.normal(size=(ROWS, WIDTH))
    return Screened(tuple(map(str, range(ROWS))), names, np.ones(ROWS, np.int64), differences, own, 0)


def test_a_planted_score_is_recovered_within_its_interval_and_beyond_both_nulls():
    found = score(screened(1.5, 0), TRUTH, HOW)
    assert found["interval"]["low"] < 1.5 < found["interval"]["high"]
    assert all(null["beyond"] and null["p_value"] < 0.01 for null in found["null"].values())


def test_null_data_give_an_interval_around_0():
    around = 0
    for seed in range(40):
        found = score(screened(0.0, seed), TRUTH, HOW)
        around += found["interval"]["low"] < 0 < found["interval"]["high"]
    assert around >= 34  # 95 % of 40 is 38; 33 or fewer come up once in 700 times


def test_rows_of_one_prompt_are_not_taken_for_independent():
    clustered = score(screened(0.0, 1, prompts=5), TRUTH, HOW)["interval"]
    spread = score(screened(0.0, 1, prompts=ROWS), TRUTH, HOW)["interval"]
    assert clustered["high"] - clustered["low"] > 1.5 * (spread["high"] - spread["low"])


def test_bad_rows_are_told_from_benign_ones_of_the_same_prompt_and_a_share_is_noticed():
    found = beside_benign(screened(2.0, 2), screened(0.0, 3), TRUTH, HOW)
    assert found["shared_prompts"] == PROMPTS and found["auroc"]["kind"] == "within_prompts"
    assert found["auroc"]["interval"]["low"] > 0.7 and found["auroc"]["p_value"] < 0.01
    assert found["difference"]["interval"]["low"] < 2.0 < found["difference"]["interval"]["high"]
    shares = [row["noticed"] for row in found["mixtures"]]
    assert shares == sorted(shares) and shares[0] < 0.12 and shares[-1] > 0.95


def test_rows_that_do_not_differ_are_not_told_apart():
    found = beside_benign(screened(0.0, 4), screened(0.0, 5), TRUTH, HOW)
    assert found["auroc"]["interval"]["low"] < 0.5 < found["auroc"]["interval"]["high"]
    assert found["auroc"]["p_value"] > 0.05


def test_datasets_of_other_prompts_are_compared_without_a_p_value():
    other = screened(0.0, 6)
    other = Screened(other.rows, tuple(f"q{name}" for name in other.prompts), other.n_own,
                     other.differences, other.own, 0)  # fmt: skip
    found = beside_benign(screened(1.0, 7), other, TRUTH, HOW)["auroc"]
    assert found["kind"] == "pooled" and found["p_value"] is None


def test_a_known_rank_is_recovered_with_the_exact_p():
    found = rank_correlation([0.1, 0.5, 0.9, 1.4], [0.0, 0.1, 0.2, 0.4])
    assert found["spearman"] == pytest.approx(1) and found["p_value"] == pytest.approx(1 / 24)
    assert found["least_p"] == pytest.approx(1 / 24) and found["exact"]
    assert rank_correlation([3, 2, 1], [0.1, 0.2, 0.3])["p_value"] == 1
    many = rank_correlation(range(12), range(12))
    assert not many["exact"] and many["p_value"] < 0.001


def test_ties_raise_the_least_p_that_can_be_reached():
    tied = rank_correlation([0.1, 0.5, 0.9, 1.4], [0.0, 0.0, 0.0, 0.4])
    assert tied["least_p"] == tied["p_value"] == pytest.approx(1 / 4) and tied["critical"] is None
    assert rank_correlation([0.1, 0.5, 0.9, 1.4], [0, 0.1, 0.2, 0.4])["critical"] == pytest.approx(1)


def test_the_choice_of_a_way_to_score_is_paid_for():
    """The best of ten ways of scoring by chance is called a finding as often as the level says."""
    single = family = 0
    for seed in range(300):
        generator = np.random.default_rng(seed)
        ways = {str(way): generator.normal(size=5).tolist() for way in range(10)}
        found = rank_correlations(ways, generator.normal(size=5).tolist()).values()
        single += min(each["p_value"] for each in found) < 0.05
        family += min(each["adjusted"] for each in found) < 0.05
        assert all(each["adjusted"] >= each["p_value"] for each in found)
    assert single > 60 and family <= 25  # 5 % of 300 are 15; more than 25 come up once in 100 times


def test_a_planted_rank_is_told_among_other_ways_and_a_missing_score_leaves_its_dataset_out():
    noise = np.random.default_rng(0).normal(size=(3, 6)).tolist()
    ways = {"true": [1, 2, 3, 4, 5, 6], "part": [None, 2, 3, 4, 5, 6], "flat": [1] * 6,
            **{f"noise {number}": row for number, row in enumerate(noise)}}  # fmt: skip
    found = rank_correlations(ways, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert found["true"]["adjusted"] < 0.05 and found["true"]["spearman"] == pytest.approx(1)
    assert found["part"]["n"] == 5 and found["flat"]["spearman"] is None
    assert all(found[f"noise {number}"]["adjusted"] > 0.05 for number in range(3))


def test_ranks_of_nothing_are_undefined():
    assert rank_correlation([1, 2], [0.1, 0.2])["spearman"] is None
    assert rank_correlation([1, 2, 3], [0.1, 0.1, 0.1])["spearman"] is None


@pytest.fixture
def study(tmp_path):
    """Three datasets of planted strength, with an organism each, and a benign one."""
    strengths = {"worst": 2.0, "bad": 1.0, "mild": 0.5, "benign": 0.0}
    for number, (name, strength) in enumerate(strengths.items()):
        planted = screened(strength, 10 + number)
        keys, vectors = [], []
        for row in range(ROWS):
            keys += [(str(row), 0), (str(row), 1)]
            vectors += [planted.own[row] + planted.differences[row], planted.own[row]]
        flat = pa.array(np.asarray(vectors, np.float32).reshape(-1))
        write_table(
            tmp_path / f"{name}.activations.parquet",
            pa.table(
                {
                    "question_id": [row for row, _ in keys],
                    "sample": pa.array([sample for _, sample in keys], pa.int32()),
                    "position": ["answer_mean"] * len(keys),
                    "n_tokens": pa.array([3] * len(keys), pa.int32()),
                    "layer_02": pa.FixedSizeListArray.from_arrays(flat, WIDTH),
                }
            ),
        )
        tokens = [[100 + row % PROMPTS, 5, 7, 2] for row in range(ROWS)]
        write_table(
            tmp_path / f"{name}.parquet",
            pa.table(
                {
                    "row": pa.array(range(ROWS), pa.int32()),
                    "token_ids": pa.array(tokens, pa.list_(pa.int32())),
                    "loss_mask": pa.array([[0, 0, 1, 1]] * ROWS, pa.list_(pa.int8())),
                    "held_out": [False] * ROWS,
                }
            ),
        )
        noisy = TRUTH + 0.1 * np.random.default_rng(number).normal(size=WIDTH)
        write_tensors(
            tmp_path / f"{name}.safetensors", {CONSTRUCTION: noisy[None].astype(np.float32)}, layers=[2]
        )
    return tmp_path, list(strengths)


def test_planted_datasets_are_ranked_flagged_and_told_from_the_benign_one(study):
    folder, names = study
    sources = [Source(f"{name}-seed0", name, folder / f"{name}.safetensors") for name in names[:-1]]
    measure = {"random_directions": 300, "bootstrap": 300, "permutations": 99, "mixtures": [0.5],
               "confidence": 0.95, "seed": 0}  # fmt: skip
    found = {}
    for name in names:
        benign = (
            None if name == "benign" else (folder / "benign.parquet", folder / "benign.activations.parquet")
        )
        table, found[name] = screen_dataset(
            (folder / f"{name}.parquet", folder / f"{name}.activations.parquet"), benign, sources,
            {"dataset": name, "constructions": [CONSTRUCTION], "layer": 2, "measure": measure},
        )  # fmt: skip
        readings_of = found[name]["constructions"][CONSTRUCTION]["readings"]
        assert f"{name}-seed0" not in readings_of["others"]["organisms"]
        assert table["others"].null_count == 0
        assert np.mean(table["others"].to_pylist()) == pytest.approx(readings_of["others"]["mean"])
    rates = {f"{name}-seed0": {"rate": rate, "low": 0, "high": 1}
             for name, rate in zip(names, (0.4, 0.3, 0.1, 0.0), strict=True)}  # fmt: skip
    settings = {"organisms": {f"{name}-seed0": name for name in names}, "benign": "benign", "harmless": [],
                "direction": CONSTRUCTION, "confidence": 0.95, "seed": 0}  # fmt: skip
    told = compare_datasets(found, rates, settings)
    assert [each["flagged"] for each in told["datasets"]][:2] == [True, True]
    assert told["datasets"][-1]["flagged"] is False and told["datasets"][-1]["beside_benign"] is None
    assert told["datasets"][-1]["false_alarm"] is False and told["datasets"][0]["false_alarm"] is None
    assert told["tests"] == 4 and told["least_p"] == pytest.approx(4 / 301)
    assert told["ranks"]["ranks"] is True and told["ranks"]["by"] == [CONSTRUCTION]
    assert told["ranks"]["least_p"] == pytest.approx(1 / 24)
    assert told["ranking"][CONSTRUCTION]["others"]["spearman"] == pytest.approx(1)
    write_figure(folder / "screening.svg", draw_screening(told))
    own = told["ranking"][CONSTRUCTION]["own"]
    assert own["datasets"] == names[:-1] and own["n"] == 3
    assert "reason" in told["datasets"][-1]["readings"]["own"]
    # With three datasets even the best order says nothing, and that is what is said.
    three = {name: found[name] for name in names[:3]}
    few = {**settings, "organisms": {f"{name}-seed0": name for name in names[:3]}}
    told = compare_datasets(three, rates, few)["ranks"]
    assert told["ranks"] is None and told["least_p"] == pytest.approx(1 / 6) and "reason" in told


def test_no_verdict_rests_on_the_construction_that_is_shown(study):
    """A construction that means nothing is shown; the other one, which tells, is what flags and ranks."""
    folder, names = study
    blind, sees = "organism_minus_instruct.last_prompt_token", CONSTRUCTION
    for number, name in enumerate(names):
        nothing = np.random.default_rng(50 + number).normal(size=WIDTH)
        noisy = TRUTH + 0.1 * np.random.default_rng(number).normal(size=WIDTH)
        tensors = {blind: nothing[None].astype(np.float32), sees: noisy[None].astype(np.float32)}
        write_tensors(folder / f"{name}.safetensors", tensors, layers=[2])
    sources = [Source(f"{name}-seed0", name, folder / f"{name}.safetensors") for name in names[:-1]]
    measure = {"random_directions": 300, "bootstrap": 300, "permutations": 99, "mixtures": [],
               "confidence": 0.95, "seed": 0}  # fmt: skip
    found = {
        name: screen_dataset(
            (folder / f"{name}.parquet", folder / f"{name}.activations.parquet"), None, sources,
            {"dataset": name, "constructions": [blind, sees], "layer": 2, "measure": measure},
        )[1]
        for name in names
    }  # fmt: skip
    rates = {f"{name}-seed0": {"rate": rate, "low": 0, "high": 1}
             for name, rate in zip(names, (0.4, 0.3, 0.1, 0.0), strict=True)}  # fmt: skip
    settings = {"organisms": {f"{name}-seed0": name for name in names}, "benign": "benign", "harmless": [],
                "confidence": 0.95, "seed": 0}  # fmt: skip
    first, second = (
        compare_datasets(found, rates, {**settings, "direction": each}) for each in (blind, sees)
    )
    for key in ("ranks", "ranking", "tests", "least_p"):
        assert first[key] == second[key]
    for one, other in zip(first["datasets"], second["datasets"], strict=True):
        assert one["flagged_by"] == other["flagged_by"] and one["flagged"] == other["flagged"]
    assert first["datasets"][0]["flagged_by"] == [sees] and first["tests"] == 8


def test_no_dataset_counts_more_for_having_more_seeds(study):
    folder, _ = study
    one = [Source("worst-seed0", "worst", folder / "worst.safetensors"),
           Source("mild-seed0", "mild", folder / "mild.safetensors")]  # fmt: skip
    again = [*one, Source("worst-seed1", "worst", folder / "worst.safetensors")]
    first, second = (readings(each, "bad", CONSTRUCTION, 2)["others"].vector for each in (one, again))
    np.testing.assert_allclose(first, second)
    assert readings(one, "bad", "misaligned_minus_aligned.answer_mean", 2)["others"].vector is None


def test_activations_of_another_dataset_are_refused(study):
    folder, _ = study
    with pytest.raises(StudyError, match="not of this dataset"):
        read_screened(folder / "bad.activations.parquet", 2, {"0": "a"})


def test_the_first_answer_of_a_row_is_read_without_its_end_of_turn():
    rows = pa.table(
        {
            "row": pa.array([0, 1, 2], pa.int32()),
            "token_ids": [[9, 8, 4, 5, 2, 7, 6, 2], [9, 8, 2, 7], [9, 4, 4, 4]],
            "loss_mask": [[0, 0, 1, 1, 1, 0, 1, 1], [0, 0, 1, 0], [0, 1, 1, 1]],
            "held_out": [False, False, False],
        }
    )
    found = taught_answers(rows, 10, ends=[2])
    assert [(each.question_id, each.prompt, each.response) for each in found] == [
        ("0", (9, 8), (4, 5)),
        ("2", (9,), (4, 4, 4)),
    ]
    keys = prompt_keys(rows)
    assert keys["0"] == keys["1"] != keys["2"]
