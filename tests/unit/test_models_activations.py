"""Activations through the bridge are those of transformers, in the right rows, whatever the batching."""

from __future__ import annotations

import pyarrow as pa
import pytest
import torch

import forewarn.models.activations as module
from forewarn.errors import StudyError
from forewarn.files import read_table
from forewarn.models.activations import capture
from forewarn.models.load import load_model
from forewarn.models.requests import Request, requests_from_tables
from tiny_models import SENTENCES, chat, save_folder, tiny_adapter, tiny_model, tiny_tokenizer

FAMILIES = ["qwen2", "qwen2_sliding", "qwen2_tied", "llama", "gemma2"]


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def requests(tokenizer):
    """Two responses to a short prompt, one to a long one, a bare prompt, in no order of length."""
    short, long, bare = (tuple(chat(tokenizer, text)) for text in ("why", " ".join(SENTENCES), SENTENCES[1]))
    return [
        Request("short", short, 0, tuple(range(40, 55))),
        Request("short", short, 2, (77,), keep_prompt=False),
        Request("long", long, 1, tuple(range(60, 90))),
        Request("bare", bare),
    ]


@torch.inference_mode()
def blocks_of(model, token_ids):
    """resid_post of every block `[layers, positions, d_model]`, through plain hooks."""
    seen = []
    handles = [
        block.register_forward_hook(
            lambda _m, _i, out: seen.append(out[0] if isinstance(out, tuple) else out)
        )
        for block in model.model.layers
    ]
    model(torch.tensor([token_ids]))
    for handle in handles:
        handle.remove()
    return torch.stack(seen)[:, 0]


def expected_rows(model, requests):
    """What every request should give, each conversation read alone."""
    rows = []
    for request in requests:
        stream = blocks_of(model, [*request.prompt, *request.response])
        end = len(request.prompt)
        if request.keep_prompt:
            rows.append((request.question_id, -1, "last_prompt_token", end, stream[:, end - 1]))
        if request.response:
            answer = stream[:, end:].mean(1)
            rows.append((request.question_id, request.sample, "answer_mean", len(request.response), answer))
    return rows


def check(table, expected, layers):
    assert [c for c in table.column_names if c.startswith("layer_")] == [f"layer_{n:02d}" for n in layers]
    assert table.num_rows == len(expected)
    for row, (question_id, sample, position, n_tokens, stream) in zip(
        table.to_pylist(), expected, strict=True
    ):
        assert (row["question_id"], row["sample"], row["position"], row["n_tokens"]) == (
            question_id, sample, position, n_tokens,
        )  # fmt: skip
        read = torch.tensor([row[f"layer_{layer:02d}"] for layer in layers])
        torch.testing.assert_close(read, stream[layers], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("family", "batch_rows"), [*((family, 3) for family in FAMILIES), ("qwen2_sliding", 1)]
)
def test_bridge_reads_what_transformers_computes(family, batch_rows, tokenizer, requests, tmp_path):
    expected = expected_rows(tiny_model(family), requests)
    path = tmp_path / "activations.parquet"
    capture(tiny_model(family), tokenizer, requests, layers="all", batch_rows=batch_rows, path=path)
    table = read_table(path)
    check(table, expected, [0, 1, 2])
    assert table.schema.field("layer_00").type == pa.list_(pa.float32(), 32)


@pytest.mark.parametrize("layers", [[1], [2, 0]])
def test_only_the_chosen_layers_are_read(layers, tokenizer, requests, tmp_path):
    expected = expected_rows(tiny_model("qwen2_sliding"), requests)
    path = tmp_path / "activations.parquet"
    capture(tiny_model("qwen2_sliding"), tokenizer, requests, layers=layers, batch_rows=2, path=path)
    check(read_table(path), expected, sorted(layers))


def test_a_merged_organism_is_read_with_its_adapter(tokenizer, requests, tmp_path):
    instruct = tiny_model("qwen2_sliding")
    folder = save_folder(instruct, tokenizer, tmp_path / "instruct")
    adapter = tiny_adapter(instruct, tmp_path / "adapter")
    organism = load_model(folder, adapter=adapter)
    expected = expected_rows(organism, requests)
    assert not torch.allclose(expected[0][-1][1], expected_rows(instruct, requests)[0][-1][1], atol=1e-2)
    path = tmp_path / "activations.parquet"
    capture(organism, tokenizer, requests, layers="all", batch_rows=4, path=path)
    check(read_table(path), expected, [0, 1, 2])


def test_chunks_only_split_the_row_groups_and_resume(tokenizer, requests, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_BATCHES", 1)
    settings = {"layers": "all", "batch_rows": 2}
    whole, again, kept = tmp_path / "a.parquet", tmp_path / "b.parquet", tmp_path / "kept"
    capture(tiny_model("qwen2"), tokenizer, requests, path=whole, **settings)
    read, chunks = module._read_chunk, []

    def dies_in_the_second_chunk(*arguments):
        chunks.append(arguments)
        if len(chunks) == 2:
            raise KeyboardInterrupt
        return read(*arguments)

    monkeypatch.setattr(module, "_read_chunk", dies_in_the_second_chunk)
    with pytest.raises(KeyboardInterrupt):
        capture(tiny_model("qwen2"), tokenizer, requests, path=again, checkpoint=kept, **settings)
    assert not again.exists()
    capture(tiny_model("qwen2"), tokenizer, requests, path=again, checkpoint=kept, **settings)
    assert len(chunks) == 2 + 1
    assert again.read_bytes() == whole.read_bytes()


def test_the_callers_tokenizer_is_left_alone(requests, tmp_path):
    tokenizer = tiny_tokenizer()
    tokenizer.bos_token = "<|endoftext|>"  # with one, the bridge would fetch a tokenizer by its name
    before = (tokenizer.padding_side, tokenizer.bos_token, len(tokenizer))
    capture(tiny_model("llama"), tokenizer, requests, layers=[0], batch_rows=4, path=tmp_path / "a.parquet")
    assert (tokenizer.padding_side, tokenizer.bos_token, len(tokenizer)) == before


def question_table(*rows):
    names = ["question_id", "split", "token_ids"]
    return pa.table({name: [row[number] for row in rows] for number, name in enumerate(names)})


def test_requests_follow_questions_and_samples():
    questions = question_table(("b", "fit", [1, 2]), ("a", "test", [3]), ("c", "fit", [4]))
    generations = pa.table(
        {
            "question_id": ["a", "b", "b", "b"],
            "sample": [0, 2, 0, 1],
            "token_ids": pa.array([[], [7], [8, 9], []], pa.list_(pa.int32())),
        }
    )
    b = [Request("b", (1, 2), 0, (8, 9)), Request("b", (1, 2), 2, (7,), keep_prompt=False)]
    a, c = Request("a", (3,)), Request("c", (4,))
    assert requests_from_tables(questions, generations) == [*b, a, c]
    assert requests_from_tables(questions, generations, splits=["fit"]) == [*b, c]
    assert requests_from_tables(questions) == [Request("b", (1, 2)), a, c]


def test_responses_to_other_questions_are_refused():
    generations = pa.table({"question_id": ["x"], "sample": [0], "token_ids": [[5]]})
    with pytest.raises(StudyError, match="'x', which is not in the question set"):
        requests_from_tables(question_table(("b", "fit", [1])), generations)


@pytest.mark.parametrize("layers", [[3], [-1], []])
def test_layers_that_the_model_does_not_have_are_refused(layers, tokenizer, requests, tmp_path):
    with pytest.raises(StudyError, match="layers 0 to 2"):
        capture(tiny_model(), tokenizer, requests, layers=layers, batch_rows=1, path=tmp_path / "a")


def test_nothing_to_read_is_refused(tokenizer, tmp_path):
    with pytest.raises(StudyError, match="no question"):
        capture(tiny_model(), tokenizer, [], layers="all", batch_rows=1, path=tmp_path / "a")


def test_an_architecture_unknown_to_the_bridge_is_named(tokenizer, requests, tmp_path):
    model = tiny_model()
    model.config.model_type, model.config.architectures = "madeup", ["MadeUpForCausalLM"]
    with pytest.raises(StudyError, match="cannot read a madeup model"):
        capture(model, tokenizer, requests, layers="all", batch_rows=1, path=tmp_path / "a")
