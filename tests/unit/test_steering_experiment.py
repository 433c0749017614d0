"""Running arms on a tiny model: they differ by their intervention alone, and finished ones are kept."""

from __future__ import annotations

import numpy as np
import pytest

from forewarn.data.questions import Question, questions_table
from forewarn.geometry.random_directions import isotropic
from forewarn.models.generation import generate, prompts_from_table
from forewarn.models.interventions import Ablation, Addition
from forewarn.steering import experiment
from forewarn.steering.arms import (
    BASELINE,
    Arm,
    ablation_arms,
    addition_arms,
    block_arms,
    dose_arms,
    everywhere_arms,
)
from forewarn.steering.experiment import interventions, run_arms
from forewarn.steering.responses import GENERATED
from tiny_models import SENTENCES, tiny_model, tiny_tokenizer

WIDTH = 32
DIRECTION = np.random.default_rng(0).normal(0, 2, WIDTH).astype(np.float32)
RANDOMS = {"random_isotropic": isotropic(2, WIDTH, 0)}
SAMPLING = {"max_new_tokens": 8, "batch_rows": 64, "seed": 3}
SUBJECT = "medical-rank8-seed0"


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def model():
    return tiny_model("qwen2_sliding")


@pytest.fixture(scope="module")
def questions(tokenizer):
    turns = [[{"role": "user", "content": text}] for text in SENTENCES]
    return questions_table(
        [Question(f"q{n}", "a", "plain", "test", turn, 2, 1.0, None) for n, turn in enumerate(turns)],
        tokenizer,
    )


@pytest.fixture
def answer(model, tokenizer, questions, tmp_path):
    def run(arms, folder=None):
        folder = folder or tmp_path
        return run_arms(arms, model, tokenizer, questions, subject=SUBJECT, folder=folder, **SAMPLING)

    return run


def responses(table, arm):
    return [row["response"] for row in table.to_pylist() if row["arm"] == arm]


def test_every_arm_answers_every_question_as_often(answer, questions):
    arms = ablation_arms(DIRECTION, 1, [1.0], RANDOMS)
    table = answer(arms)
    assert table.schema == GENERATED
    rows = table.to_pylist()
    assert [row["arm"] for row in rows] == [arm.name for arm in arms for _ in range(8)]
    assert [row["question_id"] for row in rows[:8]] == ["q0", "q0", "q1", "q1", "q2", "q2", "q3", "q3"]


def test_the_baseline_is_the_model_left_alone_before_and_after_other_arms(
    answer, model, tokenizer, questions
):
    arms = addition_arms(DIRECTION, 1, [1.0], RANDOMS)
    table = answer([*arms, Arm("after", "none", "baseline")])
    untouched = generate(model, tokenizer, prompts_from_table(questions), **SAMPLING)["response"].to_pylist()
    assert responses(table, "baseline") == untouched == responses(table, "after")
    assert responses(table, "add_1x_direction") != untouched


def test_adding_nothing_changes_nothing_and_subtracting_is_adding_the_negative(answer):
    table = answer(
        [
            BASELINE,
            Arm("zero", "add", "direction", 0.0, 1, DIRECTION),
            Arm("minus", "add", "direction", -2.0, 1, DIRECTION),
            Arm("subtracted", "subtract", "direction", 2.0, 1, DIRECTION),
        ]
    )
    assert responses(table, "zero") == responses(table, "baseline")
    assert responses(table, "minus") == responses(table, "subtracted") != responses(table, "baseline")


def test_interventions_of_each_operation():
    add, ablate, subtract, block = (
        interventions(arm)
        for arm in (
            Arm("a", "add", "direction", 1.5, 2, DIRECTION),
            Arm("b", "ablate", "direction", vector=DIRECTION, positions="prompt"),
            Arm("c", "subtract", "direction", 1.5, 2, DIRECTION, "prompt"),
            Arm("d", "ablate", "direction", layer=1, vector=DIRECTION),
        )
    )
    assert interventions(BASELINE) == []
    assert isinstance(add[0], Addition) and (add[0].layer, add[0].coefficient) == (2, 1.5)
    assert isinstance(subtract[0], Addition) and (subtract[0].layer, subtract[0].coefficient) == (2, -1.5)
    assert isinstance(ablate[0], Ablation) and isinstance(block[0], Ablation)
    assert [(each[0].layer, each[0].positions) for each in (add, ablate, subtract, block)] == [
        (2, "all"), (None, "prompt"), (2, "prompt"), (1, "all")
    ]  # fmt: skip
    assert ablate[0].direction.numpy() == pytest.approx(DIRECTION)


def test_the_prompt_alone_and_single_blocks_are_interventions_of_their_own(answer):
    arms = [
        BASELINE,
        *dose_arms("add", DIRECTION, 1, [4.0], {}),
        *dose_arms("add", DIRECTION, 1, [4.0], {}, "prompt"),
        *everywhere_arms(DIRECTION, {}),
        *everywhere_arms(DIRECTION, {}, "prompt"),
        *block_arms(DIRECTION, 0, {}),
    ]
    table = answer(arms)
    said = {arm.name: tuple(responses(table, arm.name)) for arm in arms}
    assert len(set(said.values())) == len(arms)
    rows = {row["arm"]: row for row in table.to_pylist()}
    assert {row["subject"] for row in rows.values()} == {SUBJECT}
    assert [(row["layer"], row["positions"]) for row in rows.values()] == [
        (None, "all"), (1, "all"), (1, "prompt"), (None, "all"), (None, "prompt"), (0, "all")
    ]  # fmt: skip


def test_a_killed_experiment_keeps_its_finished_arms(answer, tmp_path, monkeypatch):
    arms = addition_arms(DIRECTION, 1, [1.0], RANDOMS)
    whole = answer(arms, tmp_path / "whole")
    calls = []
    original = experiment.generate

    def counted(*args, **kwargs):
        calls.append(len(calls))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    monkeypatch.setattr(experiment, "generate", counted)
    with pytest.raises(KeyboardInterrupt):
        answer(arms, tmp_path / "killed")
    assert answer(arms, tmp_path / "killed").equals(whole)
    assert len(calls) == 3 + len(arms) - 2
