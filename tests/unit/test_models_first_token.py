"""What a model would say first is read as transformers computes it, and found again by question."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import forewarn.models.activations as module
from forewarn.errors import StudyError
from forewarn.files import read_table
from forewarn.geometry.activations import read_activations
from forewarn.geometry.first_token import COUNT, FIRST_TOKEN, first_token_readings
from forewarn.models.activations import capture, merge
from forewarn.models.first_token import readings
from forewarn.models.load import load_model
from forewarn.models.requests import Request
from tiny_models import SENTENCES, chat, save_folder, tiny_model, tiny_tokenizer

FAMILIES = ["qwen2", "qwen2_sliding", "qwen2_tied", "llama", "gemma2", "gemma3_text", "gemma3"]
KEYS = [(f"q{number}", -1) for number in range(len(SENTENCES))]


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def prompts(tokenizer):
    """Prompts of different lengths, in no order of them."""
    return [Request(f"q{n}", tuple(chat(tokenizer, text))) for n, text in enumerate(SENTENCES)]


@torch.inference_mode()
def expected(model, prompts):
    """Entropy [prompts] and the largest log-probabilities [prompts, 20], each prompt read alone."""
    rows = [model(torch.tensor([request.prompt])).logits[0, -1].double() for request in prompts]
    logs = torch.stack(rows).log_softmax(-1)
    return -(logs.exp() * logs).sum(-1).numpy(), logs.sort(descending=True).values[:, :COUNT].numpy()


@pytest.mark.parametrize(("family", "rows"), [*((family, 3) for family in FAMILIES), ("gemma2", 1)])
def test_it_is_what_transformers_computes(family, rows, tokenizer, prompts, tmp_path):
    changes = {"final_logit_softcapping": 2.0} if family == "gemma2" else {}
    folder = save_folder(tiny_model(family, **changes), tokenizer, tmp_path / "model")
    entropy, largest = expected(load_model(folder, attention="eager", device="cpu"), prompts)
    path = tmp_path / "prompts.parquet"
    model = load_model(folder, attention="eager", device="cpu")
    capture(model, tokenizer, prompts, layers=[1], batch_rows=rows, path=path, first_token=True)
    read = first_token_readings(path, KEYS)
    assert read is not None and read[0].dtype == read[1].dtype == np.float64
    np.testing.assert_allclose(read[0], entropy, rtol=2e-4, atol=2e-4)
    np.testing.assert_allclose(read[1], largest, rtol=2e-4, atol=5e-4)
    assert len(set(entropy.round(3))) == len(prompts)


def test_the_soft_cap_is_in_it(prompts):
    """The test above would not notice a cap that does nothing."""
    model = tiny_model("gemma2", final_logit_softcapping=2.0)
    capped, _ = expected(model, prompts)
    model.config.final_logit_softcapping = None
    assert np.abs(expected(model, prompts)[0] - capped).min() > 0.1


def test_vectors_do_not_depend_on_it(tokenizer, prompts, tmp_path):
    vectors = {}
    for first_token in (False, True):
        path = tmp_path / f"{first_token}.parquet"
        capture(
            tiny_model(), tokenizer, prompts, layers="all", batch_rows=3, path=path, first_token=first_token
        )
        vectors[first_token] = read_activations(path, "last_prompt_token").vectors
    np.testing.assert_array_equal(vectors[True], vectors[False])
    assert first_token_readings(tmp_path / "False.parquet", KEYS) is None


def test_answers_have_none(tokenizer, prompts, tmp_path):
    requests = [Request("q0", prompts[0].prompt, 0, (7, 8)), *prompts[1:]]
    path = tmp_path / "both.parquet"
    capture(tiny_model(), tokenizer, requests, layers=[0], batch_rows=2, path=path, first_token=True)
    table = read_table(path)
    null = [value is None for value in table["first_token_entropy"].to_pylist()]
    assert null == [position == "answer_mean" for position in table["position"].to_pylist()]
    assert null == [value is None for value in table["first_token_log_probabilities"].to_pylist()]
    assert null.count(True) == 1
    np.testing.assert_allclose(
        first_token_readings(path, KEYS)[0], expected(tiny_model(), prompts)[0], rtol=1e-4
    )


@pytest.mark.parametrize("count", [2, 5])
def test_shards_merge_to_the_same_bytes(count, tokenizer, prompts, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_BATCHES", 1)

    def read(name, **shard):
        path = tmp_path / f"{name}.parquet"
        options = {"layers": "all", "batch_rows": 1, "first_token": True}
        capture(tiny_model(), tokenizer, prompts, path=path, **options, **shard)
        return path

    merge([read(number, shard=(number, count)) for number in range(1, count + 1)], tmp_path / "merged")
    assert (tmp_path / "merged").read_bytes() == read("whole").read_bytes()


def test_known_distributions():
    uniform = torch.zeros(1, 50)
    certain = torch.full((1, 50), -1e4)
    certain[0, 3] = 1e4
    [flat, sure] = readings(torch.cat([uniform, certain]))
    np.testing.assert_allclose(flat, [np.log(50)] + [-np.log(50)] * COUNT, rtol=1e-6)
    assert sure[0] == 0 and sure[1] == 0 and (sure[2:] < -1e4).all()
    halves = readings(torch.tensor([[0.0, 0.0, *[-1e4] * 30]]).bfloat16())[0]
    np.testing.assert_allclose(halves[:3], [np.log(2), -np.log(2), -np.log(2)], rtol=1e-6)


class TestReader:
    def write(self, path, **changes):
        columns = {
            "question_id": ["a", "b", "b"],
            "sample": pa.array([-1, -1, 0], pa.int32()),
            "position": ["last_prompt_token", "last_prompt_token", "answer_mean"],
            "first_token_entropy": pa.array([1.0, 2.0, None], pa.float32()),
            "first_token_log_probabilities": pa.array(
                [list(range(0, -20, -1)), list(range(-1, -21, -1)), None], FIRST_TOKEN.types[1]
            ),
        } | changes
        pq.write_table(pa.table({name: value for name, value in columns.items() if value is not None}), path)
        return path

    def test_in_the_order_of_the_keys(self, tmp_path):
        entropy, largest = first_token_readings(self.write(tmp_path / "a"), [("b", -1), ("a", -1)])
        assert entropy.tolist() == [2.0, 1.0]
        assert largest[:, 0].tolist() == [-1.0, 0.0] and largest.shape == (2, 20)

    def test_no_columns_is_none(self, tmp_path):
        path = self.write(tmp_path / "a", first_token_entropy=None, first_token_log_probabilities=None)
        assert first_token_readings(path, [("a", -1)]) is None

    @pytest.mark.parametrize(
        ("changes", "keys", "told"),
        [
            ({"first_token_entropy": None}, [("a", -1)], "has no column 'first_token_entropy'"),
            ({}, [("a", -1), ("c", -1)], r"no last_prompt_token row of question 'c' \(1 of 2"),
            ({"question_id": ["b", "b", "b"]}, [("b", -1)], "twice"),
            ({"first_token_entropy": pa.array([1.0, None, None], pa.float32())}, [("a", -1)], "are missing"),
            ({"first_token_entropy": pa.array([1.0, np.inf, None], pa.float32())}, [("a", -1)], "not finite"),
            ({"first_token_log_probabilities": pa.array([[1.0]] * 3)}, [("a", -1)], "should be fixed_size"),
        ],
    )
    def test_broken_tables_are_refused(self, changes, keys, told, tmp_path):
        with pytest.raises(StudyError, match=told):
            first_token_readings(self.write(tmp_path / "a", **changes), keys)
