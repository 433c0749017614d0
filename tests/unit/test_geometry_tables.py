"""Activation tables, tensors and random directions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simulated
from forewarn.errors import StudyError
from forewarn.files import read_table, write_table
from forewarn.geometry.activations import layers_of, read_activations
from forewarn.geometry.random_directions import covariance_matched, isotropic
from forewarn.geometry.tensors import read_tensors, write_tensors


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Three questions x two samples, 2 layers of width 4; every vector is full of its own number."""
    data = simulated.rows(3, 2, 0.5, seed=0)
    prompts = np.arange(6).reshape(3, 2, 1) * np.ones(4)
    answers = 100 + np.arange(12).reshape(3, 2, 2, 1) * np.ones(4)
    simulated.write_activations(tmp_path / "activations.parquet", data, prompts, answers)
    return tmp_path / "activations.parquet"


def change(path: Path, name: str, column: pa.Array) -> None:
    table = read_table(path)
    write_table(path, table.set_column(table.schema.get_field_index(name), name, column))


def test_positions_and_layers_are_told_apart(table: Path) -> None:
    assert layers_of(table) == (0, 1)
    prompts = read_activations(table, "last_prompt_token")
    assert prompts.keys == (("q0000", -1), ("q0001", -1), ("q0002", -1))
    assert prompts.vectors[:, :, 0].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert prompts.vectors.dtype == np.float32
    answers = read_activations(table, "answer_mean", [1])
    assert answers.vectors[:, 0, 0].tolist() == [101, 103, 105, 107, 109, 111]
    assert answers.at([("q0002", 1), ("q0000", 0)])[:, 0, 0].tolist() == [111, 101]


def test_a_missing_row_is_named(table: Path) -> None:
    with pytest.raises(StudyError, match=r"no answer_mean row of question 'q0009', sample 1 \(1 of 2"):
        read_activations(table, "answer_mean").at([("q0000", 0), ("q0009", 1)])


def test_answers_without_tokens_have_no_mean(table: Path) -> None:
    change(table, "n_tokens", pa.array([7, 0, 7] + [7] * 6, pa.int32()))
    assert ("q0000", 0) not in read_activations(table, "answer_mean").keys


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_named(table: Path, value: float) -> None:
    flat = np.ones(36, dtype=np.float32)
    flat[35] = value
    change(table, "layer_01", pa.FixedSizeListArray.from_arrays(pa.array(flat), 4))
    read_activations(table, "last_prompt_token")  # the damage is in an answer's row
    with pytest.raises(StudyError, match="'layer_01' has values that are missing or not finite"):
        read_activations(table, "answer_mean")


def test_a_layer_column_of_another_type_is_named(table: Path) -> None:
    change(table, "layer_00", pa.array([[1.0]] * 9, pa.list_(pa.float64())))
    with pytest.raises(StudyError, match="'layer_00' should hold fixed-size lists of float32"):
        read_activations(table, "answer_mean")


def test_layers_of_different_widths_are_refused(table: Path) -> None:
    change(table, "layer_00", pa.FixedSizeListArray.from_arrays(pa.array(np.ones(18, dtype=np.float32)), 2))
    with pytest.raises(StudyError, match="different widths"):
        read_activations(table, "answer_mean")


def test_duplicates_absent_layers_and_tables_without_layers_are_named(table: Path) -> None:
    with pytest.raises(StudyError, match=r"holds layers \[0, 1\], not 5"):
        read_activations(table, "answer_mean", [5])
    whole = read_table(table)
    write_table(table, pa.concat_tables([whole, whole.slice(0, 1)]))
    with pytest.raises(StudyError, match=r"\('q0000', -1\) twice"):
        read_activations(table, "last_prompt_token")
    write_table(table, whole.drop_columns(["layer_00", "layer_01"]))
    with pytest.raises(StudyError, match="no column layer_00"):
        layers_of(table)


def test_tensors_come_back_with_their_layers(tmp_path: Path) -> None:
    path = tmp_path / "directions.safetensors"
    tensors = {"b.x": np.ones((2, 3), np.float32), "a.y": np.arange(6, dtype=np.float32).reshape(3, 2).T}
    with pytest.raises(StudyError, match="does not say"):
        write_tensors(path, tensors, layers=[4])
        read_tensors(path)
    write_tensors(path, tensors, layers=[4, 9])
    found, layers = read_tensors(path)
    assert layers == [4, 9]
    assert list(found) == ["a.y", "b.x"]
    np.testing.assert_array_equal(found["a.y"], tensors["a.y"])
    write_tensors(path, {}, layers=[4])
    assert read_tensors(path) == ({}, [4])


def test_tensor_files_have_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    program = (
        "import sys, numpy as np; from pathlib import Path;"
        "from forewarn.geometry.tensors import write_tensors;"
        "write_tensors(Path(sys.argv[1]), {n: np.ones((2, 2), np.float32) for n in 'dbca'}, layers=[0, 1])"
    )
    scripts = str(Path(__file__).parents[2] / "scripts")
    contents = set()
    for name in ("one", "two", "three"):
        path = tmp_path / name
        subprocess.run([sys.executable, "-c", program, str(path)], check=True, env={"PYTHONPATH": scripts})
        contents.add(path.read_bytes())
    assert len(contents) == 1


def test_a_tensor_file_cut_short_is_named(tmp_path: Path) -> None:
    path = tmp_path / "directions.safetensors"
    write_tensors(path, {"a": np.ones((2, 3), np.float32)}, layers=[0, 1])
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(StudyError, match=r"directions\.safetensors cannot be read as safetensors"):
        read_tensors(path)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 20), st.integers(2, 40), st.integers(0, 1000))
def test_random_directions_are_unit_and_seeded(count: int, dimension: int, seed: int) -> None:
    drawn = isotropic(count, dimension, seed)
    rows = np.random.default_rng(seed).normal(size=(7, dimension)).astype(np.float32)
    matched = covariance_matched(rows, count, seed)
    for directions in (drawn, matched):
        assert directions.shape == (count, dimension)
        assert directions.dtype == np.float64
        np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    assert np.array_equal(drawn, isotropic(count, dimension, seed))
    assert np.array_equal(matched, covariance_matched(rows, count, seed))


def test_covariance_matched_directions_follow_the_activations_and_isotropic_ones_do_not() -> None:
    generator = np.random.default_rng(0)
    scale = np.array([10.0, 3.0] + [1.0] * 30)
    rows = 1000 + generator.normal(size=(500, 32)) * scale  # the mean must not count
    matched = (covariance_matched(rows, 2000, 1) ** 2).mean(axis=0)
    expected = (generator.normal(size=(20000, 32)) * scale) ** 2
    expected = (expected / expected.sum(axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(matched[:2], expected[:2], rtol=0.1)
    np.testing.assert_allclose((isotropic(5000, 32, 1) ** 2).mean(axis=0), 1 / 32, rtol=0.15)


@pytest.mark.parametrize("rows", [np.ones((5, 3)), np.ones((1, 3)), np.ones((0, 3))])
def test_rows_that_do_not_vary_have_no_covariance(rows: np.ndarray) -> None:
    with pytest.raises(StudyError, match="do not vary"):
        covariance_matched(rows, 3, 0)
