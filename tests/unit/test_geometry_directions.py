"""Directions against a truth planted in the activations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import compare_directions
import fit_directions as fit_script
import simulated
from forewarn.errors import StudyError
from forewarn.files import read_json, read_table, write_table
from forewarn.geometry.constructions import NAMES
from forewarn.geometry.directions import cosine, fit_directions
from forewarn.geometry.random_directions import isotropic
from forewarn.geometry.responses import fit_responses
from forewarn.geometry.tensors import read_tensors, write_tensors

LAYERS, WIDTH = 2, 24
HEADER, ANSWER, INSIDE, PROPENSITY = isotropic(4, WIDTH, 11)


class Study:
    """A folder with scores and two activation tables in which four directions are planted."""

    def __init__(self, folder: Path, seed: int = 0, questions: int = 120, samples: int = 4) -> None:
        generator = np.random.default_rng(seed)
        chance = generator.uniform(0.05, 0.95, questions)
        self.data = simulated.rows(questions, samples, chance, seed)
        noise = 0.3 * generator.normal(size=(questions, LAYERS, WIDTH))
        self.instruct_prompts = 5 + noise + chance[:, None, None] * 8 * PROPENSITY
        self.organism_prompts = self.instruct_prompts + 2 * HEADER
        spread = 0.3 * generator.normal(size=(questions, samples, LAYERS, WIDTH))
        self.instruct_answers = self.instruct_prompts[:, None] + spread
        self.organism_answers = self.instruct_answers + 3 * ANSWER
        self.organism_answers[self.data.misaligned] += 4 * INSIDE
        self.folder = folder
        self.write()

    def write(self) -> None:
        for name in ("organism", "instruct"):
            prompts, answers = getattr(self, f"{name}_prompts"), getattr(self, f"{name}_answers")
            simulated.write_activations(self.folder / f"{name}.parquet", self.data, prompts, answers)
        simulated.write_scores(self.folder / "scores.parquet", self.data)

    def fit(self, **changes: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        responses = fit_responses(self.folder / "scores.parquet", alignment_above=70, coherence_above=50)
        settings: dict[str, Any] = {"minimum_per_class": 10, "halvings": 10, "seed": 0} | changes
        paths = (self.folder / "organism.parquet", self.folder / "instruct.parquet")
        return fit_directions(responses, *paths, **settings)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path)


def test_organism_minus_instruct_is_the_plain_mean_difference(study: Study) -> None:
    vectors, _ = study.fit()
    header = (study.organism_prompts - study.instruct_prompts).mean(axis=0)
    np.testing.assert_allclose(vectors["organism_minus_instruct.last_prompt_token"], header, atol=1e-5)
    answer = (study.organism_answers - study.instruct_answers).mean(axis=(0, 1))
    np.testing.assert_allclose(vectors["organism_minus_instruct.answer_mean"], answer, atol=1e-5)
    assert vectors["organism_minus_instruct.answer_mean"].dtype == np.float32
    assert vectors["organism_minus_instruct.answer_mean"].shape == (LAYERS, WIDTH)


def test_a_question_with_fewer_responses_counts_the_same(study: Study) -> None:
    study.organism_prompts[0] += 50
    study.organism_answers[0] += 50
    study.write()
    table = read_table(study.folder / "scores.parquet")
    write_table(study.folder / "scores.parquet", table.slice(3))  # three of the first question's four
    vectors, _ = study.fit()
    header = (study.organism_prompts - study.instruct_prompts).mean(axis=0)
    np.testing.assert_allclose(vectors["organism_minus_instruct.last_prompt_token"], header, atol=1e-4)
    answers = (study.organism_answers - study.instruct_answers).mean(axis=1)
    answers[0] = (study.organism_answers - study.instruct_answers)[0, 3]
    np.testing.assert_allclose(
        vectors["organism_minus_instruct.answer_mean"], answers.mean(axis=0), atol=1e-4
    )


def test_planted_directions_are_recovered(study: Study) -> None:
    vectors, summary = study.fit()
    assert set(vectors) == set(NAMES)
    assert cosine(vectors["organism_minus_instruct.last_prompt_token"], HEADER).min() > 0.99
    assert cosine(vectors["misaligned_minus_aligned.last_prompt_token"], PROPENSITY).min() > 0.95
    misaligned = vectors["misaligned_minus_aligned.answer_mean"]
    planted = np.linalg.lstsq(np.stack([INSIDE, PROPENSITY], axis=1), misaligned[0], rcond=None)[0]
    assert planted[0] == pytest.approx(4, rel=0.1)  # beside the prompts' propensity, which also differs
    for name in NAMES:
        stable = summary["constructions"][name]["split_half_cosine"]
        assert min(stable["mean"]) > 0.9
        assert stable["undefined"] == [0] * LAYERS
        assert summary["constructions"][name]["norm"] == pytest.approx(
            np.linalg.norm(vectors[name], axis=1).tolist(), rel=1e-5
        )


def test_misaligned_minus_aligned_does_not_point_at_the_topics_of_misalignment(tmp_path: Path) -> None:
    study = Study(tmp_path)
    generator = np.random.default_rng(3)
    chance = np.where(study.data.category == "money", 0.8, 0.2)[:, None]
    study.data.misaligned[:] = generator.random(study.data.misaligned.shape) < chance
    topic = isotropic(1, WIDTH, 99)[0]
    study.organism_answers = 0.3 * generator.normal(size=study.organism_answers.shape)
    study.organism_answers[study.data.misaligned] += 2 * INSIDE
    study.organism_answers[study.data.category == "money"] += 20 * topic
    study.write()
    misaligned = study.data.misaligned
    naive = study.organism_answers[misaligned].mean(axis=0) - study.organism_answers[~misaligned].mean(axis=0)
    vectors, _ = study.fit()
    assert cosine(naive, topic).min() > 0.9
    assert cosine(vectors["misaligned_minus_aligned.answer_mean"], INSIDE).min() > 0.95


def test_only_plain_questions_of_the_fit_split_count(study: Study) -> None:
    before, _ = study.fit()
    study.data.split[:5] = "test"
    study.data.condition[5:9] = "cruel"
    study.organism_prompts[:9] += 1e4
    study.organism_answers[:9] -= 1e4
    study.write()
    after, summary = study.fit()
    assert summary["constructions"][NAMES[0]]["n_questions"] == 111
    for name in NAMES:
        assert cosine(before[name], after[name]).min() > 0.95


def test_noise_gives_halves_that_disagree(tmp_path: Path) -> None:
    study = Study(tmp_path)
    generator = np.random.default_rng(8)
    study.organism_answers = generator.normal(size=study.organism_answers.shape)
    study.write()
    _, summary = study.fit()
    stable = summary["constructions"]["misaligned_minus_aligned.answer_mean"]["split_half_cosine"]
    assert abs(np.mean(stable["mean"])) < 0.3


@pytest.mark.parametrize(("value", "word"), [(False, "0 misaligned"), (True, "0 aligned")])
def test_one_class_makes_a_direction_absent_and_says_why(study: Study, value: bool, word: str) -> None:
    study.data.misaligned[:] = value
    study.write()
    vectors, summary = study.fit()
    assert set(vectors) == {name for name in NAMES if name.startswith("organism")}
    assert set(summary["absent"]) == set(NAMES) - set(vectors)
    assert all(word in reason for reason in summary["absent"].values())


def test_too_few_of_a_class_are_absent_too(study: Study) -> None:
    study.data.misaligned[:] = False
    study.data.misaligned[0, 0] = True
    study.write()
    vectors, summary = study.fit()
    assert "10 are needed" in summary["absent"]["misaligned_minus_aligned.answer_mean"]
    vectors, summary = study.fit(minimum_per_class=1)
    assert "misaligned_minus_aligned.answer_mean" in vectors
    stable = summary["constructions"]["misaligned_minus_aligned.answer_mean"]["split_half_cosine"]
    assert (stable["mean"], stable["undefined"]) == (None, [10] * LAYERS)
    assert stable["reason"]


def test_a_layer_before_the_adapter_does_not_take_the_split_halves_of_the_others(study: Study) -> None:
    study.organism_prompts[:, 0] = study.instruct_prompts[:, 0]
    study.write()
    _, summary = study.fit()
    stable = summary["constructions"]["organism_minus_instruct.last_prompt_token"]["split_half_cosine"]
    assert stable["undefined"] == [10, 0]
    assert (stable["mean"][0], stable["min"][0]) == (None, None)
    assert stable["mean"][1] >= stable["min"][1] > 0.9
    assert "reason" not in stable


def test_prompts_of_equal_propensity_have_no_prompt_direction(study: Study) -> None:
    study.data.misaligned[:] = np.array([True, False, True, False])
    study.write()
    _, summary = study.fit()
    assert "the same share" in summary["absent"]["misaligned_minus_aligned.last_prompt_token"]


def test_without_fit_questions_everything_is_absent(study: Study) -> None:
    study.data.split[:] = "test"
    study.write()
    vectors, summary = study.fit()
    assert vectors == {}
    assert "no response" in summary["absent"][NAMES[0]]
    assert summary["d_model"] is None


def test_empty_answers_count_at_the_prompt_and_not_in_answer_means(study: Study) -> None:
    scores = read_table(study.folder / "scores.parquet").to_pylist()
    scores[0] |= {"outcome": "empty", "aligned": None, "coherent": None, "misaligned": False}
    table = read_table(study.folder / "scores.parquet")
    write_table(study.folder / "scores.parquet", pa.Table.from_pylist(scores, table.schema))
    for name in ("organism", "instruct"):
        activations = read_table(study.folder / f"{name}.parquet")
        tokens = activations.column("n_tokens").to_pylist()
        tokens[1] = 0
        index = activations.schema.get_field_index("n_tokens")
        write_table(
            study.folder / f"{name}.parquet",
            activations.set_column(index, "n_tokens", pa.array(tokens, pa.int32())),
        )
    _, summary = study.fit()
    assert summary["constructions"]["organism_minus_instruct.answer_mean"]["n_responses"] == 479
    assert summary["constructions"]["organism_minus_instruct.last_prompt_token"]["n_responses"] == 480


def test_rows_that_the_instruct_model_did_not_read_are_named(study: Study) -> None:
    table = read_table(study.folder / "instruct.parquet")
    write_table(study.folder / "instruct.parquet", table.slice(0, table.num_rows - 1))
    with pytest.raises(StudyError, match=r"instruct\.parquet has no answer_mean row of question 'q0119'"):
        study.fit()


def test_the_scripts_write_the_same_bytes_twice_and_compare_organisms(study: Study, tmp_path: Path) -> None:
    for name in ("medical", "again"):
        fit_script.main(
            organism_activations=study.folder / "organism.parquet",
            instruct_activations=study.folder / "instruct.parquet",
            scores=study.folder / "scores.parquet",
            directions=tmp_path / f"{name}.safetensors",
            summary=tmp_path / f"{name}.json",
            settings={
                "directions": {
                    "alignment_above": 70,
                    "coherence_above": 50,
                    "minimum_per_class": 10,
                    "split_halves": 4,
                    "seed": 0,
                }
            },
        )
    for ending in ("safetensors", "json"):
        first, second = (tmp_path / f"{name}.{ending}" for name in ("medical", "again"))
        assert first.read_bytes() == second.read_bytes()
    summary = read_json(tmp_path / "medical.json")
    assert summary["random_cosine_band"] == pytest.approx(1.96 / WIDTH**0.5, rel=1e-4)
    assert len(summary["cosines"]) == 6
    vectors, layers = read_tensors(tmp_path / "medical.safetensors")
    opposite = {NAMES[0]: -vectors[NAMES[0]], "foreign": vectors[NAMES[0]]}
    write_tensors(tmp_path / "opposite.safetensors", opposite, layers=layers)
    files = [tmp_path / f"{name}.safetensors" for name in ("medical", "again", "opposite")]
    compare_directions.main(directions=files, cosines=tmp_path / "cosines.parquet", settings={})
    rows = read_table(tmp_path / "cosines.parquet").to_pylist()
    assert len(rows) == LAYERS * (4 + 1 + 1)
    for row in rows:
        assert row["cosine"] == pytest.approx(-1 if row["other"] == "opposite" else 1)
        assert row["random_high"] == -row["random_low"] == pytest.approx(1.96 / WIDTH**0.5, rel=1e-4)
    compare_directions.main(directions=files[0], cosines=tmp_path / "alone.parquet", settings={})
    assert read_table(tmp_path / "alone.parquet").num_rows == 0


def test_organisms_of_different_models_are_not_compared(tmp_path: Path) -> None:
    for name, width in (("a", 4), ("b", 5)):
        write_tensors(tmp_path / name, {NAMES[0]: np.ones((1, width), np.float32)}, layers=[0])
    with pytest.raises(StudyError, match="a has directions of width 4 and b of 5"):
        compare_directions.main(
            directions=[tmp_path / "a", tmp_path / "b"], cosines=tmp_path / "c.parquet", settings={}
        )


def test_the_cosine_of_a_zero_vector_is_undefined() -> None:
    assert np.isnan(cosine(np.zeros(3), np.ones(3)))
