"""Which questions, which direction, which random directions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from forewarn.errors import StudyError
from forewarn.files import write_table
from forewarn.geometry.tensors import write_tensors
from forewarn.steering.inputs import choose_questions, random_directions, read_direction, read_layers

NAME = "organism_minus_instruct.last_prompt_token"


def questions(names, path, condition="plain", split="test"):
    rows = [
        {"question_id": name, "category": name[0], "condition": condition, "split": split} for name in names
    ]
    write_table(path, pa.Table.from_pylist(rows))
    return path


def ids(table):
    return table["question_id"].to_pylist()


@pytest.fixture
def names():
    return [f"{category}{number}" for number in range(20) for category in "abc"]


def test_as_many_questions_of_each_category_in_the_order_of_the_set(names, tmp_path):
    chosen = ids(choose_questions(questions(names, tmp_path / "q"), 5, seed=0))
    assert Counter(name[0] for name in chosen) == {"a": 5, "b": 5, "c": 5}
    assert chosen == [name for name in names if name in chosen]


def test_the_choice_is_fixed_by_the_seed_and_the_category_alone(names, tmp_path):
    everything = ids(choose_questions(questions(names, tmp_path / "q"), 5, seed=0))
    again = ids(choose_questions(questions(list(reversed(names)), tmp_path / "r"), 5, seed=0))
    one = ids(choose_questions(questions([n for n in names if n[0] == "b"], tmp_path / "s"), 5, seed=0))
    other = ids(choose_questions(questions(names, tmp_path / "q"), 5, seed=1))
    assert set(everything) == set(again) != set(other)
    assert one == [name for name in everything if name[0] == "b"]


def test_null_takes_all_and_few_are_taken_as_they_are(names, tmp_path):
    path = questions(names, tmp_path / "q")
    assert ids(choose_questions(path, None, seed=0)) == names == ids(choose_questions(path, 99, seed=0))


def test_only_plain_test_questions_count(tmp_path):
    rows = [
        {"question_id": f"{condition}-{split}", "category": "a", "condition": condition, "split": split}
        for condition in ("plain", "json") for split in ("fit", "test", "facts")
    ]  # fmt: skip
    write_table(tmp_path / "q", pa.Table.from_pylist(rows))
    assert ids(choose_questions(tmp_path / "q", None, seed=0)) == ["plain-test"]


def test_a_set_without_plain_test_questions_is_refused(names, tmp_path):
    with pytest.raises(StudyError, match="no question with condition plain"):
        choose_questions(questions(names, tmp_path / "q", condition="json"), 5, seed=0)


@pytest.fixture
def directions(tmp_path):
    tensors = {NAME: np.arange(12, dtype=np.float32).reshape(3, 4), "zero": np.zeros((3, 4), np.float32)}
    write_tensors(tmp_path / "d", tensors, layers=[2, 3, 5])
    return tmp_path / "d"


def test_a_direction_is_found_by_its_layer(directions):
    assert read_direction(directions, NAME, 3).tolist() == [4, 5, 6, 7]


def test_a_direction_that_does_not_exist_or_is_zero_is_none(directions):
    assert read_direction(directions, "misaligned_minus_aligned.answer_mean", 3) is None
    assert read_direction(directions, "zero", 3) is None


def test_a_layer_the_file_lacks_is_refused(directions):
    with pytest.raises(StudyError, match="for the layers 2, 3, 5, but not for 4"):
        read_direction(directions, NAME, 4)


def test_directions_of_several_layers_are_found_with_those_that_are_none(directions):
    found = read_layers(directions, NAME, "all")
    assert {layer: vector.tolist() for layer, vector in found.items()} == {
        2: [0, 1, 2, 3], 3: [4, 5, 6, 7], 5: [8, 9, 10, 11]
    }  # fmt: skip
    assert list(read_layers(directions, NAME, [5])) == [5]
    assert read_layers(directions, "zero", [2, 5]) == {2: None, 5: None}
    with pytest.raises(StudyError, match="but not for 4"):
        read_layers(directions, NAME, [2, 4])


def activations(path, rows):
    """Prompt rows and response rows at layer 3, half of `rows` each."""
    kind = pa.list_(pa.float32(), rows.shape[1])
    half = len(rows) // 2
    write_table(
        path,
        pa.table(
            {
                "question_id": [f"q{row}" for row in range(len(rows))],
                "sample": pa.array([-1] * half + [0] * (len(rows) - half), pa.int32()),
                "position": ["last_prompt_token"] * half + ["answer_mean"] * (len(rows) - half),
                "n_tokens": pa.array([4] * len(rows), pa.int32()),
                "layer_03": pa.array(rows.astype(np.float32).tolist(), kind),
            }
        ),
    )
    return path


def test_covariance_matched_directions_lie_where_prompts_and_responses_vary(tmp_path):
    generator = np.random.default_rng(0)
    rows = np.zeros((40, 8))
    rows[:20, 0] = generator.normal(size=20)  # prompts vary along axis 0
    rows[20:, 1] = generator.normal(size=20)  # responses along axis 1
    path = activations(tmp_path / "a", rows)
    randoms = random_directions(path, 3, 8, n_isotropic=5, n_covariance=6, seed=0)
    assert [units.shape for units in randoms.values()] == [(5, 8), (6, 8)]
    for units in randoms.values():
        assert np.linalg.norm(units, axis=1) == pytest.approx(np.ones(len(units)))
    assert np.abs(randoms["random_covariance"][:, 2:]).max() < 1e-6
    assert (np.abs(randoms["random_covariance"][:, :2]) > 0.05).any(axis=0).all()
    assert np.abs(randoms["random_isotropic"][:, 2:]).max() > 0.1


def test_without_covariance_matched_directions_no_activations_are_read(tmp_path):
    randoms = random_directions(tmp_path / "missing", 3, 8, n_isotropic=2, n_covariance=0, seed=0)
    assert list(randoms) == ["random_isotropic"]
