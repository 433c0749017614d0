"""What else tells which prompts are answered badly: each baseline sees what it should, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import simulated
from forewarn.detection.baselines import category_rates, prompt_baselines, read_embeddings
from forewarn.detection.probe import fit_probe, logistic_weights
from forewarn.detection.prompts import Prompts, read_prompts
from forewarn.errors import StudyError
from forewarn.files import read_table, write_json, write_table
from forewarn.geometry.first_token import FIRST_TOKEN
from forewarn.geometry.tensors import write_tensors
from forewarn.refusal.selection import NAME
from forewarn.statistics.auroc import auroc
from forewarn.statistics.labels import Labels

SPLITS = ("fit", "validation", "test")


@pytest.fixture
def study(tmp_path: Path) -> tuple[Path, Prompts, Any]:
    """240 prompts whose logit of propensity is known."""
    logit = np.random.default_rng(3).normal(size=240)
    data = simulated.rows(240, 10, 1 / (1 + np.exp(-2 * logit)), 3, SPLITS)
    simulated.write_questions(tmp_path / "questions.parquet", data)
    simulated.write_scores(tmp_path / "scores.parquet", data)
    simulated.write_activations(tmp_path / "activations.parquet", data, np.ones((240, 1, 2)))
    prompts = read_prompts(tmp_path / "questions.parquet", tmp_path / "scores.parquet")
    return tmp_path, prompts, logit


def found(study: tuple[Path, Prompts, Any], **changes: Any) -> tuple[dict[str, Any], dict[str, str]]:
    folder, prompts, _ = study
    given = {
        "activations": folder / "activations.parquet",
        "nearness": None,
        "embeddings": None,
        "refusal": None,
    }
    return prompt_baselines(prompts, **given | {"strength": 0.1} | changes)


def area_of(prompts: Prompts, scores: Any) -> float:
    test = prompts.splits == "test"
    value = auroc(scores[test], prompts.labels[test]).value
    assert value is not None
    return value


def test_what_is_not_given_is_absent_with_its_reason(study: Any) -> None:
    scores, absent = found(study)
    assert set(scores) == {"text", "category"}
    assert set(absent) == {"first_token", "training_centroid"}
    assert "log-probabilities" in absent["first_token"]


def test_nearness_is_read_at_the_layer_that_validation_prompts_choose(study: Any) -> None:
    _, prompts, logit = study
    noise = np.random.default_rng(0).normal(size=240)
    scores, _ = found(study, nearness=np.stack([noise, logit, -logit]))
    assert scores["training_centroid"].tolist() == logit.tolist()
    assert area_of(prompts, scores["training_centroid"]) > 0.8


def test_first_token_log_probabilities_are_fitted_and_entropy_is_read_as_it_is(study: Any) -> None:
    folder, prompts, logit = study
    generator = np.random.default_rng(1)
    values = generator.normal(scale=0.5, size=(240, 20)).astype(np.float32)
    values[:, 4] -= logit.astype(np.float32)
    entropy = generator.random(240).astype(np.float32)
    columns = [
        pa.array(entropy),
        pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), 20),
    ]
    table = read_table(folder / "activations.parquet")
    for field, column in zip(FIRST_TOKEN, columns, strict=True):
        table = table.append_column(field, column)
    write_table(folder / "activations.parquet", table)
    scores, absent = found(study)
    assert "first_token" not in absent
    assert scores["first_token_entropy"].tolist() == pytest.approx(entropy.tolist())
    assert area_of(prompts, scores["first_token_log_probabilities"]) > 0.75


def test_embeddings_are_fitted_on_other_prompts(study: Any) -> None:
    folder, prompts, logit = study
    values = np.random.default_rng(2).normal(size=(240, 6)).astype(np.float32)
    values[:, 1] += 2 * logit.astype(np.float32)
    path = folder / "embeddings.parquet"
    ids = [f"q{index:04d}" for index in range(240)]
    order = np.random.default_rng(0).permutation(240)
    table = pa.table(
        {
            "question_id": [ids[index] for index in order],
            "embedding": pa.FixedSizeListArray.from_arrays(pa.array(values[order].ravel()), 6),
        }
    )
    write_table(path, table)
    np.testing.assert_allclose(read_embeddings(path, prompts), values)
    scores, _ = found(study, embeddings=path)
    assert area_of(prompts, scores["embedding"]) > 0.75
    write_table(path, table.slice(1))
    with pytest.raises(StudyError, match="has no embedding of"):
        read_embeddings(path, prompts)


def test_refusal_is_read_whichever_way_it_is_turned(study: Any) -> None:
    folder, prompts, logit = study
    files = (folder / "direction.safetensors", folder / "direction.json")
    write_tensors(files[0], {NAME: np.array([[0.0, 3.0]], dtype=np.float32)}, layers=[0])
    write_json(files[1], {"carried": {"layer": 0}})
    data = simulated.rows(240, 10, 1 / (1 + np.exp(-2 * logit)), 3, SPLITS)
    for sign in (1, -1):
        vectors = np.stack([np.zeros(240), sign * logit], axis=1)[:, None]
        simulated.write_activations(folder / "activations.parquet", data, vectors)
        scores, _ = found(study, refusal=files)
        assert area_of(prompts, scores["refusal_projection"]) > 0.8
    write_json(files[1], {"carried": None})
    scores, absent = found(study, refusal=files)
    assert "refusal_projection" not in scores
    assert absent["refusal_projection"] == "no refusal direction was found"


def test_the_rate_of_a_category_is_that_of_its_own_split(study: Any) -> None:
    _, prompts, _ = study
    rates = category_rates(prompts)
    for split in SPLITS:
        for category in simulated.CATEGORIES:
            inside = (prompts.splits == split) & (prompts.categories == category)
            labels = prompts.labels[inside]
            assert rates[inside] == pytest.approx(labels.misaligned.sum() / labels.responses.sum())


def test_more_features_than_prompts_give_the_weights_of_the_direct_fit() -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(20, 30))
    labels = Labels.of(generator.integers(0, 6, 20), np.full(20, 5))
    wide = logistic_weights(features, labels, 0.05)
    # Columns of zeros change nothing but the shape; fewer of them than prompts keep the direct way.
    narrow = logistic_weights(features[:, :15], labels, 0.05)
    padded = logistic_weights(np.hstack([features[:, :15], np.zeros((20, 15))]), labels, 0.05)
    assert wide is not None and narrow is not None and padded is not None
    np.testing.assert_allclose(padded[:15], narrow, atol=2e-4)
    assert np.all(padded[15:] == 0)
    assert logistic_weights(features, Labels.of([0] * 20, [5] * 20), 0.05) is None


def test_validation_prompts_choose_the_penalty() -> None:
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(90, 60))
    logit = 2 * vectors[:, 0]
    labels = Labels.of(generator.binomial(10, 1 / (1 + np.exp(-logit))), np.full(90, 10))
    fit, validation = np.arange(90) < 40, np.arange(90) >= 40
    chosen = fit_probe(vectors, labels, fit, validation, [1e-6, 1e-2, 1e3])
    assert chosen is not None and chosen.validation_auroc is not None
    for strength in (1e-6, 1e-2, 1e3):
        other = fit_probe(vectors, labels, fit, validation, [strength])
        assert other is not None and (other.validation_auroc or 0) <= chosen.validation_auroc
    # Test labels, if they were among those chosen on, would have to be passed in: there is no other way.
    flipped = Labels.of(np.where(fit, labels.misaligned, labels.others), labels.responses)
    turned = fit_probe(vectors, flipped, fit, validation, [1e-2])
    assert turned is not None
    np.testing.assert_allclose(turned.weights, fit_probe(vectors, labels, fit, validation, [1e-2]).weights)  # type: ignore[union-attr]
