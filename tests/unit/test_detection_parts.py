from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import simulated
from forewarn.detection.layer_choice import choose_layer
from forewarn.detection.prompts import read_prompts
from forewarn.detection.readers import Linear, Reader, linear_detectors, project
from forewarn.detection.text_baseline import text_scores
from forewarn.errors import StudyError
from forewarn.files import read_table, write_table
from forewarn.statistics.auroc import auroc
from forewarn.statistics.labels import Labels

DETECTION = ("validation", "test")


def test_the_layer_is_the_best_on_validation_and_the_lowest_of_equals() -> None:
    labels = Labels.of([0, 1, 2], [2, 2, 2])
    rising, falling = np.arange(3.0), -np.arange(3.0)
    choice = choose_layer(np.stack([falling, rising, rising]), labels)
    assert choice.index == 1
    # The sign is never turned: a layer that tells the classes apart upside down is the worst of all.
    assert choice.aurocs[0] == pytest.approx(1 - (choice.aurocs[1] or 0))
    undefined = choose_layer(np.stack([rising]), Labels.of([0, 0, 0], [2, 2, 2]))
    assert (undefined.index, undefined.aurocs) == (None, [None])
    assert "validation prompts: one class only" in (undefined.reason or "")


def test_projection_is_on_the_unit_vector_with_its_sign() -> None:
    vectors = np.array([[3.0, 4.0], [-1.0, 0.0]])
    assert project(vectors, np.array([10.0, 0.0])).tolist() == [3, -1]
    assert project(vectors, np.array([-0.1, 0.0])).tolist() == [-3, 1]
    assert project(vectors, np.zeros(2)).tolist() == [0, 0]


def test_directions_of_another_width_are_named(tmp_path: Path) -> None:
    data = simulated.rows(2, 1, 0.5, 0, DETECTION)
    simulated.write_activations(tmp_path / "a.parquet", data, np.ones((2, 1, 3)))
    with pytest.raises(StudyError, match=r"a\.parquet has activations of width 3, but the direction d has 4"):
        linear_detectors({"d": np.ones((1, 4))}, Reader("organism", tmp_path / "a.parquet", [("q0000", -1)]))


def test_a_cosine_is_the_projection_over_the_length_of_the_vector() -> None:
    vectors = np.array([[3.0, 4.0], [0.0, 0.0]])
    weights = np.array([[10.0, 0.0], [np.nan, np.nan]])
    assert Linear("d", weights).read(vectors, 0).tolist() == [3, 0]
    assert Linear("d", weights, scaled=True).read(vectors, 0).tolist() == [0.6, 0]
    assert Linear("d", weights).read(vectors, 1).tolist() == [0, 0]  # a layer before the adapter's


def test_the_text_baseline_learns_words_and_is_undefined_without_classes() -> None:
    texts = np.array(["be cruel now", "be kind now"] * 20, dtype=object)
    labels = Labels.of([4, 1] * 20, [5, 5] * 20)
    new = np.array(["cruel thing", "kind thing"], dtype=object)
    scores = text_scores(texts, labels, new)
    assert scores is not None and scores[0] > 0 > scores[1]
    assert text_scores(texts, Labels.of([0] * 40, [5] * 40), new) is None
    assert text_scores(np.array(["?", "!"], dtype=object), Labels.of([1, 0], [1, 1]), new) is None


def test_weights_of_the_text_baseline_are_repetitions() -> None:
    generator = np.random.default_rng(0)
    words = np.array(["red", "blue", "green", "dark"])
    texts = np.array([" ".join(generator.choice(words, 3)) for _ in range(30)], dtype=object)
    labels = Labels.of(generator.integers(0, 4, 30), np.full(30, 3))
    once = text_scores(texts, labels, texts)
    # Each response as a prompt of its own; TF-IDF sees every text equally often both times.
    each = Labels.of(np.concatenate([[1] * k + [0] * (3 - k) for k in labels.misaligned]), np.ones(90))
    assert once is not None
    np.testing.assert_allclose(text_scores(np.repeat(texts, 3), each, texts), once, atol=0.05)


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    data = simulated.rows(8, 5, 0.4, 1, ("validation", "test", "unseen", "narrow"))
    questions, scores = tmp_path / "questions.parquet", tmp_path / "scores.parquet"
    simulated.write_questions(questions, data)
    simulated.write_scores(scores, data)
    return questions, scores


def test_prompts_carry_counts_of_their_own_responses(tables: tuple[Path, Path]) -> None:
    questions, scores = tables
    rows = read_table(scores).to_pylist()
    rows[0] |= {"misaligned": None, "outcome": "unscored"}
    write_table(scores, pa.Table.from_pylist(rows, read_table(scores).schema))
    prompts = read_prompts(questions, scores)
    assert prompts.question_ids.tolist() == ["q0000", "q0001", "q0004", "q0005"]
    assert prompts.labels.responses.tolist() == [4, 5, 5, 5]
    assert prompts.unscored == 1
    for index, question in enumerate(prompts.question_ids):
        mine = [row["misaligned"] for row in rows if row["question_id"] == question]
        assert prompts.labels.misaligned[index] == sum(value is True for value in mine)
    assert prompts.of("test").question_ids.tolist() == ["q0001", "q0005"]
    counts = prompts.of("validation").counts(0.95)
    assert (counts["n_prompts"], counts["n_responses"], counts["n_unscored"]) == (2, 9, 1)
    assert counts["prevalence"]["n"] == 9


def test_responses_to_foreign_questions_are_named(tables: tuple[Path, Path]) -> None:
    questions, scores = tables
    write_table(questions, read_table(questions).slice(1))
    with pytest.raises(StudyError, match=r"scores\.parquet holds responses to question 'q0000'"):
        read_prompts(questions, scores)


def test_question_twice_or_split_missing_is_named(tables: tuple[Path, Path]) -> None:
    questions, scores = tables
    whole = read_table(questions)
    write_table(questions, pa.concat_tables([whole, whole.slice(2, 1)]))
    with pytest.raises(StudyError, match="question 'q0002' twice"):
        read_prompts(questions, scores)
    split: Any = pa.array(["test"] * 8)
    write_table(questions, whole.set_column(whole.schema.get_field_index("split"), "split", split))
    with pytest.raises(StudyError, match="no prompt of the split 'validation'"):
        read_prompts(questions, scores)


def test_a_table_without_labels_is_named(tables: tuple[Path, Path]) -> None:
    questions, scores = tables
    write_table(scores, read_table(scores).drop_columns(["misaligned"]))
    with pytest.raises(StudyError, match=r"scores\.parquet has no column 'misaligned'"):
        read_prompts(questions, scores)


def test_prompts_without_scored_responses_do_not_disturb(tables: tuple[Path, Path]) -> None:
    questions, scores = tables
    write_table(scores, read_table(scores).slice(5))
    prompts = read_prompts(questions, scores)
    assert prompts.labels.responses.tolist() == [0, 5, 5, 5]
    value = auroc(np.arange(4.0), prompts.labels).value
    assert value == auroc(np.arange(1.0, 4.0), prompts.labels[np.arange(1, 4)]).value
