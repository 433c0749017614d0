"""Sparse features with planted truth: a dictionary, a sparse direction, a shifted feature; and nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forewarn.errors import StudyError
from forewarn.features.autoencoder import Autoencoder, read_autoencoder, read_params, write_autoencoder
from forewarn.features.decomposition import cosine_p_values, decompose, features_needed, pursue
from forewarn.features.quality import Quality, TopTexts
from forewarn.features.shift import measure_shift
from forewarn.geometry.random_directions import isotropic

WIDTH, FEATURES = 32, 48


def planted(tokens: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Activations that are sums of few rows of a known dictionary: vectors, activations, dictionary."""
    draw = np.random.default_rng(seed)
    dictionary = isotropic(FEATURES, WIDTH, 5)
    active = draw.random((tokens, FEATURES)) < 3 / FEATURES
    activations = active * draw.uniform(0.5, 1.5, (tokens, FEATURES))
    offset = isotropic(1, WIDTH, 9)[0]
    noise = 0.01 * draw.standard_normal((tokens, WIDTH))
    return (activations @ dictionary + offset + noise).astype(np.float32), activations, dictionary


def random_kinds(count: int = 99) -> dict[str, np.ndarray]:
    return {"random_isotropic": isotropic(count, WIDTH, 1), "random_covariance": isotropic(count, WIDTH, 2)}


def small_autoencoder() -> Autoencoder:
    draw = np.random.default_rng(3)
    return Autoencoder(
        W_enc=draw.standard_normal((4, 6)).astype(np.float32),
        b_enc=draw.standard_normal(6).astype(np.float32),
        W_dec=draw.standard_normal((6, 4)).astype(np.float32),
        b_dec=draw.standard_normal(4).astype(np.float32),
        threshold=np.full(6, 0.5, dtype=np.float32),
    )


def test_a_known_dictionary_is_recovered() -> None:
    from forewarn.features.training import Training, train_autoencoder

    vectors, _, dictionary = planted(6000)
    how = Training(features=64, active=3, steps=1500, batch_tokens=256, learning_rate=3e-3, seed=0)
    found = train_autoencoder(vectors, how)
    nearest = np.abs(dictionary @ found.directions().T).max(axis=1)
    assert np.mean(nearest > 0.9) > 0.9
    fresh, truth, _ = planted(1000, seed=8)
    quality = Quality(found)
    quality.add(fresh, found.encode(fresh))
    told = quality.summary()
    assert told["explained_variance"] > 0.9
    assert told["l0"] == pytest.approx((truth > 0).sum(axis=1).mean(), rel=0.4)


def test_training_is_a_function_of_its_seed() -> None:
    from forewarn.features.training import Training, train_autoencoder

    vectors, _, _ = planted(500)
    how = Training(features=16, active=2, steps=20, batch_tokens=64, learning_rate=1e-3, seed=4)
    first, second = train_autoencoder(vectors, how), train_autoencoder(vectors, how)
    assert np.array_equal(first.W_dec, second.W_dec) and np.array_equal(first.threshold, second.threshold)
    with pytest.raises(StudyError, match="500 tokens"):
        train_autoencoder(vectors, Training(16, 2, 20, 501, 1e-3, 0))


def test_a_sum_of_two_features_is_sparse() -> None:
    dictionary = isotropic(FEATURES, WIDTH, 5)
    direction = 2 * dictionary[7] - dictionary[30]
    found = decompose(direction, dictionary, random_kinds(), few=2, most=20, confidence=0.95)
    assert set(found["features"][:2]) == {7, 30}
    assert found["explained_by_few"] == pytest.approx(1)
    assert found["needed"]["0.9"] <= 2
    assert found["sparse"] is True
    assert all(null["p_sparse"] == pytest.approx(0.01) for null in found["null"].values())


def test_random_directions_are_not_sparse() -> None:
    """The test keeps its level: of directions that mean nothing, about 1 in 20 passes against either kind."""
    dictionary = isotropic(FEATURES, WIDTH, 5)
    passed = [
        decompose(each, dictionary, random_kinds(), few=2, most=5, confidence=0.95)["sparse"]
        for each in isotropic(100, WIDTH, 77)
    ]
    assert sum(passed) <= 11  # binomial(100, 0.05) exceeds it once in 200


def test_pursuit_explains_more_with_every_feature_and_stops() -> None:
    dictionary = isotropic(FEATURES, WIDTH, 5)
    taken, explained = pursue(isotropic(3, WIDTH, 6), dictionary, 100)
    assert explained.shape == (3, WIDTH) and np.all(np.diff(explained, axis=1) >= -1e-12)
    assert explained[:, -1] == pytest.approx(1)
    assert all(len(set(row)) == WIDTH for row in taken)
    taken, explained = pursue(dictionary[:1], dictionary, 4)
    assert taken.tolist() == [[0, -1, -1, -1]] and explained == pytest.approx(1)
    assert np.isnan(features_needed(np.array([[0.1, 0.4]]), 0.5)).all()


def test_cosines_pay_for_the_choice_of_the_feature() -> None:
    dictionary = isotropic(FEATURES, WIDTH, 5)
    single, paid = cosine_p_values(dictionary @ dictionary[3], dictionary, random_kinds())
    assert paid[3] == pytest.approx(0.01) and np.all(paid >= single)
    null = [
        cosine_p_values(dictionary @ each, dictionary, random_kinds())[1].min()
        for each in isotropic(100, WIDTH, 78)
    ]
    assert np.sum(np.array(null) < 0.05) <= 11
    assert np.isnan(cosine_p_values(dictionary @ dictionary[3], dictionary, {})[0]).all()


def test_a_shifted_feature_is_found_and_no_other() -> None:
    draw = np.random.default_rng(0)
    instruct = draw.random((60, 20))
    organism = instruct + 0.3 * draw.standard_normal((60, 20))
    organism[:, 4] += 0.5
    organism[:, 19] = instruct[:, 19] = 0
    found = measure_shift(instruct, organism, permutations=199, bootstrap=200, confidence=0.95, seed=0)
    assert np.flatnonzero(found.adjusted < 0.05).tolist() == [4]
    assert 0.3 < found.low[4] < found.difference[4] < found.high[4] < 0.7
    assert found.p_values[19] == 1 and found.difference[19] == 0
    assert found.prompts == 60


def test_without_a_shift_hardly_ever_is_one_found() -> None:
    draw = np.random.default_rng(1)
    false = 0
    for _ in range(60):
        instruct = draw.random((30, 10))
        organism = instruct + 0.3 * draw.standard_normal((30, 10))
        found = measure_shift(instruct, organism, permutations=99, bootstrap=10, confidence=0.95, seed=0)
        false += bool((found.adjusted < 0.05).any())
    assert false <= 8


def test_published_parameters_are_read_as_they_are(tmp_path: Path) -> None:
    made = small_autoencoder()
    np.savez(tmp_path / "params.npz", **vars(made))
    read = read_params(tmp_path / "params.npz")
    write_autoencoder(tmp_path / "sae.safetensors", read)
    again = read_autoencoder(tmp_path / "sae.safetensors", 4)
    x = np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32)
    before = x @ made.W_enc + made.b_enc
    expected = np.where(before > made.threshold, before, 0)
    assert np.allclose(again.encode(x), expected)
    assert np.allclose(again.decode(again.encode(x)), expected @ made.W_dec + made.b_dec, atol=1e-6)
    with pytest.raises(StudyError, match="width 4"):
        read_autoencoder(tmp_path / "sae.safetensors", 5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"threshold": None}, "no threshold"),
        ({"W_dec": np.zeros((4, 6))}, "W_dec"),
        ({"b_enc": np.zeros(5)}, "b_enc"),
        ({"b_dec": np.full(4, np.nan)}, "not finite"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, change: dict[str, np.ndarray | None], message: str) -> None:
    tensors = {
        name: value for name, value in (vars(small_autoencoder()) | change).items() if value is not None
    }
    np.savez(tmp_path / "params.npz", **tensors)
    with pytest.raises(StudyError, match=message):
        read_params(tmp_path / "params.npz")


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "params.npz", W_enc=np.array([{"a": 1}], dtype=object))
    with pytest.raises(StudyError, match="cannot be read as npz"):
        read_params(tmp_path / "params.npz")


def test_top_texts_are_one_per_text_and_in_order() -> None:
    top = TopTexts(features=2, count=2, context=1)
    for number, values in enumerate(([1.0, 3.0, 2.0], [0.5, 0.5, 0.0], [9.0, 0.0, 0.0])):
        activations = np.stack([np.array(values, dtype=np.float32), np.zeros(3, dtype=np.float32)], axis=1)
        top.add(activations, ["a", "b", "c"], f"text {number}", number == 2)
    rows = top.table().to_pylist()
    assert [(row["feature"], row["rank"], row["activation"], row["source"]) for row in rows] == [
        (0, 1, 9.0, "text 2"),
        (0, 2, 3.0, "text 0"),
    ]
    assert (rows[1]["before"], rows[1]["token"], rows[1]["after"]) == ("a", "b", "c")
    assert rows[0]["held_out"] and not rows[1]["held_out"]
