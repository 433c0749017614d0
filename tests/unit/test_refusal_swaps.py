"""The swaps: all arms beside the same random ones, and planted effects told from nothing."""

from __future__ import annotations

import numpy as np
import pytest

from forewarn.data.questions import Question, questions_table
from forewarn.errors import StudyError
from forewarn.files import write_table
from forewarn.geometry.random_directions import isotropic
from forewarn.refusal.swap_summary import summarise_swaps
from forewarn.refusal.swaps import INSTRUCT, choose_requests, run_swaps, swap_arms, swap_questions
from forewarn.steering.responses import GENERATED
from refusal_tables import HOW, ORGANISM, RATES, responses
from tiny_models import tiny_model, tiny_tokenizer


def draw(width):
    return {"random_isotropic": isotropic(2, width, 0), "random_covariance": isotropic(1, width, 1)}


def of(found, measure, arm):
    (row,) = [row for row in found if (row["measure"], row["arm"]) == (measure, arm)]
    return row


def test_planted_effects_are_found_each_in_its_own_measure():
    found = summarise_swaps(responses(RATES), HOW)
    for measure, arm, differs in [
        ("em", "ablate_direction", True), ("em", "ablate_refusal_direction", False),
        ("refusal", "ablate_direction", False), ("refusal", "ablate_refusal_direction", True),
        ("over_refusal", "ablate_direction", False), ("over_refusal", "ablate_refusal_direction", False),
    ]:  # fmt: skip
        row = of(found, measure, arm)
        assert row["against_baseline"]["differs"] is differs, (measure, arm)
        assert row["against_random"]["differs"] is differs, (measure, arm)
        assert row["against_random"]["arms"] == 3 and row["rate"]["n"] == 200 and row["prompts"] == 20
        assert ("minimal_detectable" in row["against_random"]) is not differs
    assert of(found, "em", "baseline")["against_baseline"] is None
    assert of(found, "refusal_of_questions", "baseline")["rate"]["count"] == 0
    assert of(found, "em", "baseline")["mean_coherence"] == pytest.approx(80)


def test_where_all_arms_are_alike_nothing_is_found():
    same = dict.fromkeys(RATES, RATES["baseline"])
    wrong = [
        row
        for seed in range(5)
        for row in summarise_swaps(responses(same, seed=seed), HOW)
        if row["against_random"] and row["against_random"]["differs"]
    ]
    assert len(wrong) <= 3  # of 40 comparisons


def test_both_directions_have_the_same_random_arms_beside_them():
    first, second = np.arange(1.0, 9.0), np.ones(8)
    arms = swap_arms(first, second, draw)
    assert [arm.name for arm in arms] == [
        "baseline", "ablate_direction", "ablate_refusal_direction", "ablate_random_isotropic_00",
        "ablate_random_isotropic_01", "ablate_random_covariance_00",
    ]  # fmt: skip
    assert all(np.linalg.norm(arm.vector) == pytest.approx(1) for arm in arms[1:])
    assert all(arm.layer is None and arm.positions == "all" for arm in arms)
    assert [arm.kind for arm in swap_arms(None, second, draw)][:2] == ["baseline", "refusal_direction"]
    assert [arm.name for arm in swap_arms(None, None, draw)] == ["baseline"]


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


def question(name, condition, category="a", split="test"):
    return Question(name, category, condition, split, [{"role": "user", "content": name}], 2, 1.0, None)


@pytest.fixture
def sets(tokenizer, tmp_path):
    paths = tmp_path / "evaluation.parquet", tmp_path / "requests.parquet"
    plain = [question(f"plain {n}", "plain") for n in range(3)] + [question("p fit", "plain", split="fit")]
    asked = [
        question(f"{split} {kind} {category} {n}", kind, category, split)
        for split in ("fit", "test")
        for kind in ("harmful", "harmless")
        for category in "ab"
        for n in range(3)
    ]
    for path, questions in zip(paths, (plain, asked), strict=True):
        write_table(path, questions_table(questions, tokenizer))
    return paths


SETTINGS = {"questions_per_category": 2, "requests_per_topic": 1, "seed": 0}


def test_test_questions_and_test_requests_are_asked_a_fixed_number_of_each(sets):
    everything, requests = swap_questions(*sets, SETTINGS)
    assert len(everything) == 2 + 4 and len(requests) == 4
    assert set(everything["split"].to_pylist()) == {"test"}
    kinds = sorted(zip(requests["condition"].to_pylist(), requests["category"].to_pylist(), strict=True))
    assert kinds == [(kind, category) for kind in ("harmful", "harmless") for category in "ab"]
    assert len(choose_requests(sets[1], None, 0)) == 12


def test_sets_that_do_not_fit_are_refused(sets):
    with pytest.raises(StudyError, match="not both harmful and harmless requests"):
        choose_requests(sets[0], None, 0)
    with pytest.raises(StudyError, match="no question with condition plain"):
        swap_questions(sets[1], sets[1], SETTINGS)


def test_the_organism_answers_everything_and_the_instruct_model_the_requests(sets, tokenizer, tmp_path):
    everything, requests = swap_questions(*sets, SETTINGS)
    loaders = {name: lambda: (tiny_model("qwen2"), tokenizer) for name in (ORGANISM, INSTRUCT)}
    arms = swap_arms(np.ones(32), np.arange(32.0), draw)
    sampling = {"max_new_tokens": 4, "batch_rows": 64, "seed": 0}
    found = run_swaps(ORGANISM, loaders, arms, everything, requests, sampling, tmp_path / "arms")
    assert found.schema == GENERATED
    rows = found.to_pylist()
    assert len(rows) == len(arms) * 2 * (6 + 4)
    instruct = {row["question_id"] for row in rows if row["subject"] == INSTRUCT}
    assert instruct == set(requests["question_id"].to_pylist())
