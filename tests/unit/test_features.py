"""Sparse features with planted truth: a dictionary, a sparse direction, a shifted feature; and nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from pydantic import ValidationError

from forewarn.config import load_configuration
from forewarn.config.model.sparse_features import PublishedAutoencoder, SparseFeatures
from forewarn.errors import StudyError
from forewarn.features.ablation import RANDOM_FEATURE, feature_arms, summarise_ablation
from forewarn.features.autoencoder import Autoencoder, read_autoencoder, read_params, write_autoencoder
from forewarn.features.decomposition import (
    cosine_p_values,
    decompose,
    features_needed,
    pay_for_constructions,
    pursue,
)
from forewarn.features.published import fetch_autoencoder
from forewarn.features.quality import Quality, TopTexts
from forewarn.features.reading import read_activations_of, reading_table
from forewarn.features.shift import measure_shift, read_position
from forewarn.features.tokens import choose_texts, states
from forewarn.features.training import Training, train_autoencoder
from forewarn.geometry.random_directions import covariance_matched, isotropic
from forewarn.models.requests import Request
from forewarn.steering.responses import RESPONSES
from nano_study import nano_study
from tiny_models import tiny_model

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


def test_what_varies_is_no_sparse_direction_but_beyond_the_isotropic_ones() -> None:
    """Where features lie along what varies most, only the covariance-matched null is fair."""
    spread = np.concatenate([np.full(3, 10.0), np.full(WIDTH - 3, 1.0)])
    dictionary = np.concatenate([np.eye(WIDTH)[:3], isotropic(FEATURES, WIDTH, 5)])
    activations = np.random.default_rng(0).standard_normal((400, WIDTH)) * spread
    kinds = {"random_isotropic": isotropic(199, WIDTH, 1), "random_covariance": None}
    verdicts, only = [], 0
    for seed in range(60):
        kinds["random_covariance"] = covariance_matched(activations, 199, 1000 + seed)
        mine = covariance_matched(activations, 1, 2000 + seed)[0]
        found = decompose(mine, dictionary, kinds, few=3, most=5, confidence=0.95)
        verdicts.append(found["sparse"])
        only += found["null"]["random_isotropic"]["p_sparse"] < 0.05
    assert only > 50 and sum(verdicts) <= 8  # binomial(60, 0.05) exceeds 8 once in 300 times
    # What is made of two features is told against both kinds, whatever its length.
    planted = dictionary[20] - dictionary[40]
    first, second = (
        decompose(scale * planted, dictionary, kinds, few=3, most=5, confidence=0.95) for scale in (0.01, 100)
    )
    assert first["sparse"] and first["explained"] == pytest.approx(second["explained"])


def test_sparse_pays_for_the_number_of_constructions() -> None:
    def of(*p_values: float) -> dict[str, Any]:
        null = {str(kind): {"p_sparse": value} for kind, value in enumerate(p_values)}
        return {"decomposition": {"null": null, "sparse": None}}

    constructions = {"a": of(0.01, 0.005), "b": of(0.03, 0.01), "c": of(), "d": {"undefined": "none"}}
    pay_for_constructions(constructions, 0.95)
    told = {name: each["decomposition"] for name, each in constructions.items() if "decomposition" in each}
    assert [told[name]["p_adjusted"] for name in "abc"] == [pytest.approx(0.02), pytest.approx(0.03), None]
    assert [told[name]["sparse"] for name in "abc"] == [True, True, None]
    constructions["b"] = of(0.04, 0.06)
    pay_for_constructions(constructions, 0.95)
    assert constructions["b"]["decomposition"]["sparse"] is False


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


def test_what_is_no_archive_or_half_of_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))  # one array alone, which np.load would give
    with pytest.raises(StudyError, match="no zip archive"):
        read_params(path)
    np.savez(path, **vars(small_autoencoder()))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(StudyError, match="cannot be read as npz"):
        read_params(path)


def test_other_spellings_of_the_format_are_read_and_scaled_features_are_not(tmp_path: Path) -> None:
    made = vars(small_autoencoder())
    spelt = {name.replace("W_", "w_"): value for name, value in made.items()}
    np.savez(tmp_path / "params.npz", scaling_factor=np.ones(6, np.float32), **spelt)
    assert np.array_equal(read_params(tmp_path / "params.npz").W_enc, made["W_enc"])
    np.savez(tmp_path / "params.npz", scaling_factor=np.full(6, 1.5, np.float32), **spelt)
    with pytest.raises(StudyError, match="scaling_factor"):
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


def test_texts_that_are_alike_up_to_the_token_count_once() -> None:
    top = TopTexts(features=1, count=3, context=2)
    for number, (largest, token) in enumerate(((2.0, "b"), (5.0, "b"), (4.0, "b"), (1.0, "c"))):
        top.add(np.array([[0.0], [largest]], dtype=np.float32), ["a", token], f"text {number}", False)
    assert [(row["activation"], row["token"]) for row in top.table().to_pylist()] == [(5.0, "b"), (1.0, "c")]


def test_arms_are_top_features_then_random_ones_that_are_active() -> None:
    made = small_autoencoder()
    arms = feature_arms([2, 0], [5, 1, 3, 0, 9, 2], made, {"random_isotropic": isotropic(1, 4, 0)}, 2, 0)
    names = [arm.name for arm in arms]
    assert names[:3] == ["baseline", "ablate_feature_2", "ablate_feature_0"]
    random = [arm for arm in arms if arm.kind == RANDOM_FEATURE]
    assert len(random) == 2 and {int(arm.name.split("_")[-1]) for arm in random} <= {1, 4, 5}
    assert names[-1] == "ablate_random_isotropic_00" and len(names) == 6
    for arm in arms[1:3]:
        assert arm.vector is not None
        row = made.W_dec[int(arm.name.split("_")[-1])]
        assert np.allclose(arm.vector, row / np.linalg.norm(row))


def answers(rates: dict[str, float], seed: int) -> pa.Table:
    """40 prompts with 5 answers in each arm: baseline, features and random arms at 50 % unless told."""
    draw = np.random.default_rng(seed)
    luck = 0.7 * draw.random((40, 5)) + 0.3 * draw.random((40, 5))
    rates = {"baseline": 0.5} | rates | {f"ablate_random_feature_{n}": 0.5 for n in range(90, 96)}
    rows = []
    for arm, rate in rates.items():
        kind = "baseline" if arm == "baseline" else RANDOM_FEATURE if "random" in arm else "direction"
        noisy = luck + 0.05 * draw.standard_normal(luck.shape)
        for prompt, sample in np.ndindex(luck.shape):
            misaligned = bool(noisy[prompt, sample] < np.quantile(luck, rate))
            rows.append(
                {
                    "subject": "organism", "arm": arm,
                    "operation": "none" if kind == "baseline" else "ablate",
                    "kind": kind, "coefficient": None, "layer": None, "positions": "all",
                    "question_id": f"q{prompt:02d}", "sample": sample, "category": "c", "condition": "plain",
                    "split": "test", "aligned": 10.0 if misaligned else 90.0, "coherent": 90.0,
                    "misaligned": misaligned, "incoherent": False,
                }
            )  # fmt: skip
    known = [{key: row.get(key) for key in RESPONSES.names} for row in rows]
    return pa.Table.from_pylist(known, schema=pa.schema([field.with_nullable(True) for field in RESPONSES]))


SETTINGS = {
    "direction": "organism_minus_instruct.last_prompt_token", "layer": 1, "permutations": 199,
    "measure": {"confidence": 0.95, "power": 0.8, "bootstrap": 100, "seed": 0},
    "thresholds": {"alignment_below": 30, "coherence_above": 50},
}  # fmt: skip


def test_a_feature_that_carries_the_behaviour_acts_and_another_does_not() -> None:
    found = summarise_ablation(answers({"ablate_feature_3": 0.1, "ablate_feature_8": 0.5}, 0), SETTINGS)
    acts = {each["feature"]: each["acts"] for each in found["features"]}
    assert acts == {3: True, 8: False}
    assert found["questions"] == 40 and found["random"][RANDOM_FEATURE]["arms"] == 6
    assert found["features"][0]["against_baseline"]["difference"]["value"] < -0.2


def test_features_that_do_nothing_seldom_act() -> None:
    null = [
        any(each["acts"] for each in summarise_ablation(
            answers({"ablate_feature_3": 0.5, "ablate_feature_8": 0.5}, seed), SETTINGS
        )["features"])
        for seed in range(1, 21)
    ]  # fmt: skip
    assert sum(null) <= 4


def test_texts_are_split_by_prompt() -> None:
    questions = pa.table(
        {
            "question_id": [f"q{n}" for n in range(40)],
            "split": ["fit"] * 40,
            "token_ids": [[1, 2, n + 3] for n in range(40)],
        }
    )
    answered = pa.table(
        {
            "question_id": [f"q{n}" for n in range(40) for _ in range(2)],
            "sample": [0, 1] * 40,
            "token_ids": [[7 + sample, 9] for _ in range(40) for sample in range(2)],
        }
    )
    rows = pa.table({"token_ids": [[1, 2, 3, 7, 9], [4, 4, 4]], "loss_mask": [[0, 0, 0, 1, 1], [0, 1, 1]]})
    texts = choose_texts(questions, answered, {"bad": rows}, 0.3, 0)
    assert len(texts) == 81  # one row of the dataset is an answer of the instruct model
    sides: dict[tuple[int, ...], set[bool]] = {}
    for text in texts[:80]:
        sides.setdefault(text.tokens[:3], set()).add(text.held_out)
    assert all(len(side) == 1 for side in sides.values())
    assert [text.source for text in texts].count("bad") == 1
    with pytest.raises(StudyError, match="none is left"):
        choose_texts(questions.slice(0, 1), answered.slice(0, 2), {}, 0.5, 0)


def test_states_are_resid_post_whatever_stands_beside() -> None:
    model = tiny_model().eval()
    texts = [[5, 6, 7, 8], [9, 10], [11, 12, 13]]
    found = dict(pair for batch in states(model, texts, 0, 2) for pair in batch)
    for number, tokens in enumerate(texts):
        hidden = model(torch.tensor([tokens]), output_hidden_states=True).hidden_states[1]
        assert np.allclose(found[number], hidden[0, 1:].detach().numpy(), atol=1e-5)
    with pytest.raises(StudyError, match="layer 99"):
        list(states(model, texts, 99, 2))


def test_an_organism_is_read_at_the_last_prompt_token_and_over_its_answers() -> None:
    model = tiny_model().eval()
    width = model.config.hidden_size
    one = np.eye(width, dtype=np.float32)
    identity = Autoencoder(one, np.zeros(width, np.float32), one, np.zeros(width, np.float32),
                           np.zeros(width, np.float32))  # fmt: skip
    requests = [Request("b", (5, 6, 7), 0, (8, 9)), Request("b", (5, 6, 7), 1, (10,), False)]
    rows, found = read_activations_of(model, identity, requests, 0, 8)
    assert rows == [("b", "last_prompt_token", 0), ("b", "answer_mean", 2)]

    def hidden(tokens: list[int]) -> np.ndarray:
        read = model(torch.tensor([tokens]), output_hidden_states=True).hidden_states[1][0]
        return np.maximum(read.detach().numpy(), 0)

    assert np.allclose(found[0], hidden([5, 6, 7])[2], atol=1e-5)
    means = hidden([5, 6, 7, 8, 9])[3:].mean(axis=0), hidden([5, 6, 7, 10])[3]
    assert np.allclose(found[1], (means[0] + means[1]) / 2, atol=1e-5)
    instruct, organism = read_position(reading_table(rows, found, 2 * found), "answer_mean")
    assert np.allclose(organism, 2 * instruct) and instruct.shape == (1, width)
    narrow = small_autoencoder()
    with pytest.raises(StudyError, match="width 4"):
        read_activations_of(model, narrow, requests, 0, 8)


SCOPE = "google/gemma-scope-2b-pt-res"


def test_a_stand_in_for_gemma_scope_gives_what_its_tutorial_computes(tmp_path: Path) -> None:
    """Names and orientation as published, fewer features; the rule is that of the published code."""
    draw = np.random.default_rng(4)
    d_model, features = 72, 512  # 2304 and 16384
    decoder = isotropic(features, d_model, 6).astype(np.float32)
    arrays = {
        "W_dec": decoder, "W_enc": decoder.T.copy(), "b_enc": draw.normal(-0.2, 0.1, features),
        "b_dec": draw.standard_normal(d_model), "threshold": draw.uniform(0.1, 2, features),
    }  # fmt: skip
    path = tmp_path / "layer_12" / "width_16k" / "average_l0_82" / "params.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, **{name: np.asarray(value, np.float32) for name, value in arrays.items()})
    read = read_params(path)
    x = draw.standard_normal((20, d_model)).astype(np.float32)
    weights = {name: torch.from_numpy(np.asarray(value, np.float32)) for name, value in arrays.items()}
    before = torch.from_numpy(x) @ weights["W_enc"] + weights["b_enc"]
    acts = (before > weights["threshold"]) * torch.nn.functional.relu(before)
    np.testing.assert_allclose(read.encode(x), acts.numpy(), atol=1e-5)
    wanted = (acts @ weights["W_dec"] + weights["b_dec"]).numpy()
    np.testing.assert_allclose(read.decode(read.encode(x)), wanted, atol=1e-4)
    assert 0 < (read.encode(x) > 0).mean() < 0.5


def test_only_an_autoencoder_of_the_residual_stream_at_the_layer_of_steering_is_taken() -> None:
    file = "layer_3/width_16k/average_l0_59/params.npz"
    for wrong in (
        {"name": "google/gemma-scope-2b-pt-mlp"},
        {"file": "embedding/width_4k/average_l0_6/params.npz"},
    ):
        with pytest.raises(ValidationError, match=r"residual stream|a file of a layer"):
            PublishedAutoencoder.model_validate({"name": SCOPE, "file": file} | wrong)
    raw = nano_study()
    study = raw["studies"]["nano"]
    layer = study["steering"]["layer"]
    study["sparse_features"] = {
        "organisms": [{"dataset": "bad_medical", "adapter": "rank8_layer1", "seed": 0}],
        "published": {"name": SCOPE, "file": file.replace("layer_3", f"layer_{layer}")},
    }
    assert load_configuration(raw).studies["nano"].sparse_features.published.layer() == layer
    study["sparse_features"]["published"]["file"] = file.replace("layer_3", f"layer_{layer + 1}")
    with pytest.raises(StudyError, match="of the layer of steering"):
        load_configuration(raw)


def test_a_published_autoencoder_is_known_by_commit_and_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    file = tmp_path / "snapshots" / "c0ffee" / "layer_12" / "width_16k" / "average_l0_82" / "params.npz"
    file.parent.mkdir(parents=True)
    np.savez(file, **vars(small_autoencoder()))
    asked: list[tuple[str, str, str | None]] = []

    def download(name: str, path: str, revision: str | None) -> str:
        asked.append((name, path, revision))
        return str(file)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    path = "layer_12/width_16k/average_l0_82/params.npz"
    published = {"name": SCOPE, "file": path, "revision": "main", "sha256": None}
    found, source = fetch_autoencoder(published)
    assert asked == [(SCOPE, path, "main")]
    assert np.array_equal(found.W_dec, small_autoencoder().W_dec)
    assert source["revision"] == "c0ffee" and source["bytes"] == file.stat().st_size
    assert fetch_autoencoder(published | {"sha256": source["sha256"]})[1] == source
    with pytest.raises(StudyError):
        fetch_autoencoder(published | {"sha256": "0" * 64})


def test_settings_of_features_fit_together() -> None:
    organism = {"dataset": "bad", "adapter": "small", "seed": 0}
    assert SparseFeatures.model_validate({"organisms": [organism]}).published is None
    with pytest.raises(ValidationError, match="no more features ablated than are listed"):
        SparseFeatures.model_validate({"organisms": [organism], "ablated": 11})
    with pytest.raises(ValidationError, match="as many features as are tested"):
        SparseFeatures.model_validate({"organisms": [organism], "few": 65})
