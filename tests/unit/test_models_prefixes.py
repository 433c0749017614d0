"""What is read after t tokens is what transformers computes, in the right rows, whatever the batching."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch

import forewarn.models.prefixes as module
from forewarn.errors import StudyError
from forewarn.files import read_table
from forewarn.geometry.prefixes import prefix_schema, read_prefixes
from forewarn.models.prefixes import capture_prefixes, prefix_requests
from forewarn.models.requests import Request
from tiny_models import SENTENCES, chat, tiny_model, tiny_tokenizer

STEPS = [1, 2, 4, 8]


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def tables(tokenizer):
    """Questions of two splits and their responses: long, short, and one that is empty."""
    prompts = {"short": chat(tokenizer, "why"), "long": chat(tokenizer, " ".join(SENTENCES)), "fit": [40, 41]}
    answers = {
        ("long", 1): list(range(60, 90)), ("short", 2): [77], ("short", 0): list(range(40, 55)),
        ("long", 0): [], ("fit", 0): [50, 51],
    }  # fmt: skip
    splits = {"short": "test", "long": "test", "fit": "fit"}
    questions = [
        {"question_id": name, "split": splits[name], "token_ids": ids} for name, ids in prompts.items()
    ]
    generations = [
        {"question_id": name, "sample": sample, "token_ids": ids} for (name, sample), ids in answers.items()
    ]
    schema = pa.schema(
        [("question_id", pa.string()), ("sample", pa.int32()), ("token_ids", pa.list_(pa.int32()))]
    )
    return pa.Table.from_pylist(questions), pa.Table.from_pylist(generations, schema=schema), prompts, answers


@pytest.fixture(scope="module")
def requests(tables):
    return prefix_requests(*tables[:2], ["test"], most=8)


@torch.inference_mode()
def stream(model, token_ids):
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
    return torch.stack(seen)[:, 0].numpy()


def capture(family, tokenizer, requests, path, **changes):
    settings = {"layers": [1], "steps": STEPS, "batch_rows": 3} | changes
    capture_prefixes(tiny_model(family), tokenizer, requests, path=path, **settings)
    return read_table(path)


def test_requests_are_the_responses_of_the_splits_in_order_and_cut(tables, requests):
    prompts = {name: tuple(ids) for name, ids in tables[2].items()}
    assert requests == [
        Request("short", prompts["short"], 0, tuple(range(40, 48))),
        Request("short", prompts["short"], 2, (77,)),
        Request("long", prompts["long"], 0, ()),
        Request("long", prompts["long"], 1, tuple(range(60, 68))),
    ]
    with pytest.raises(StudyError, match="no response to a question of the split validation"):
        prefix_requests(*tables[:2], ["validation"], most=8)
    with pytest.raises(StudyError, match="'long', which is not in the question set"):
        prefix_requests(tables[0].slice(0, 1), tables[1], ["test"], most=8)


@pytest.mark.parametrize("family", ["qwen2", "qwen2_sliding", "llama", "gemma2"])
@pytest.mark.parametrize("batch_rows", [1, 3])
def test_rows_are_what_transformers_computes_over_the_whole_response(
    family, batch_rows, tokenizer, tables, requests, tmp_path
):
    _, _, prompts, answers = tables
    table = capture(family, tokenizer, requests, tmp_path / "p.parquet", layers=[2, 0], batch_rows=batch_rows)
    assert table.schema.equals(prefix_schema([0, 2], 32))
    expected, model = [], tiny_model(family)
    for key in (("short", 0), ("short", 2), ("long", 0), ("long", 1)):
        prompt, answer = prompts[key[0]], answers[key]
        read = stream(model, [*prompt, *answer])[[0, 2]]
        expected.append((*key, 0, 0, read[:, len(prompt) - 1]))
        for t in STEPS if answer else []:
            seen = min(t, len(answer))
            expected.append((*key, t, seen, read[:, len(prompt) : len(prompt) + seen].mean(axis=1)))
    rows = table.to_pylist()
    assert len(rows) == len(expected)
    for row, (name, sample, t, seen, vectors) in zip(rows, expected, strict=True):
        assert (row["question_id"], row["sample"], row["t"], row["tokens"]) == (name, sample, t, seen)
        assert row["text"] == tokenizer.decode(answers[name, sample][:seen], skip_special_tokens=True)
        found = np.array([row["layer_00"], row["layer_02"]])
        np.testing.assert_allclose(found, vectors, rtol=1e-3, atol=1e-3)


def test_samples_of_a_prompt_share_its_last_token_up_to_rounding(tokenizer, requests, tmp_path):
    capture("qwen2_sliding", tokenizer, requests, tmp_path / "p.parquet", batch_rows=1)
    table = read_prefixes(tmp_path / "p.parquet")
    assert (table.steps, table.layers, table.empty) == ((0, *STEPS), (1,), (("long", 0),))
    assert table.keys == (("short", 0), ("short", 2), ("long", 1))
    assert table.tokens.T.tolist() == [[0, 1, 2, 4, 8], [0, 1, 1, 1, 1], [0, 1, 2, 4, 8]]
    ground, later = table.readings(0), table.readings(1)
    between = np.abs(ground[0] - ground[2]).max()
    assert np.abs(ground[0] - ground[1]).max() < 1e-5 * between
    assert np.abs(later[0] - later[1]).max() > 0.1


def test_chunks_only_split_the_row_groups_and_resume(tokenizer, requests, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_BATCHES", 1)
    whole, again, kept = tmp_path / "a.parquet", tmp_path / "b.parquet", tmp_path / "kept"
    capture("qwen2", tokenizer, requests, whole, batch_rows=2)
    read, chunks = module._read_chunk, []

    def dies_in_the_second_chunk(*arguments):
        chunks.append(arguments)
        if len(chunks) == 2:
            raise KeyboardInterrupt
        return read(*arguments)

    monkeypatch.setattr(module, "_read_chunk", dies_in_the_second_chunk)
    with pytest.raises(KeyboardInterrupt):
        capture("qwen2", tokenizer, requests, again, batch_rows=2, checkpoint=kept)
    assert not again.exists()
    capture("qwen2", tokenizer, requests, again, batch_rows=2, checkpoint=kept)
    assert len(chunks) == 2 + 1
    assert again.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("layers", [[3], [-1], []])
def test_a_layer_that_the_model_does_not_have_is_refused(layers, tokenizer, requests, tmp_path):
    with pytest.raises(StudyError, match="layers 0 to 2"):
        capture("qwen2", tokenizer, requests, tmp_path / "p.parquet", layers=layers)
