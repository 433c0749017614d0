"""Sampling: equal to transformers where that is exact, invariant to batching, resumable."""

from __future__ import annotations

import pyarrow as pa
import pytest
import torch

from forewarn.errors import StudyError
from forewarn.models.generation import SCHEMA, Prompt, end_of_turn_ids, generate, prompts_from_table
from tiny_models import SENTENCES, chat, tiny_model, tiny_tokenizer

FAMILIES = ["qwen2", "qwen2_sliding", "qwen2_tied", "llama", "gemma2"]


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="module", params=FAMILIES)
def model(request):
    return tiny_model(request.param)


@pytest.fixture(scope="module")
def prompts(tokenizer):
    """Prompts of very different lengths, so that padding reaches beyond the sliding window."""
    texts = ["hi", SENTENCES[0], " ".join(SENTENCES), SENTENCES[1][:9], SENTENCES[3], "why"]
    return [
        Prompt(f"q{number}", text, tuple(chat(tokenizer, text)), samples=3, temperature=1.0)
        for number, text in enumerate(texts)
    ]


def with_sampling(prompts, samples, temperature):
    return [Prompt(p.question_id, p.text, p.token_ids, samples, temperature) for p in prompts]


def rows(table):
    return {(row["question_id"], row["sample"]): row["token_ids"] for row in table.to_pylist()}


def test_greedy_equals_transformers_prompt_by_prompt(model, tokenizer, prompts):
    table = generate(
        model, tokenizer, with_sampling(prompts, 2, 0.0), max_new_tokens=16, seed=0, batch_rows=64
    )
    ours = rows(table)
    for prompt in prompts:
        expected = model.generate(
            torch.tensor([prompt.token_ids]),
            max_new_tokens=16,
            do_sample=False,
            eos_token_id=2,
            pad_token_id=0,
        )[0, len(prompt.token_ids) :].tolist()
        expected = expected[: expected.index(2)] if 2 in expected else expected
        assert ours[prompt.question_id, 0] == ours[prompt.question_id, 1] == expected
    assert len({tuple(ids) for ids in ours.values()}) >= len(prompts) // 2  # the models are not degenerate


@pytest.mark.parametrize("batch_rows", [1, 7])
def test_samples_do_not_depend_on_the_batching(model, tokenizer, prompts, batch_rows):
    settings = {"max_new_tokens": 12, "seed": 3, "stop_ids": [2, *range(3, 25)]}  # rows end at many lengths
    together = generate(model, tokenizer, prompts, batch_rows=64, **settings)
    apart = generate(model, tokenizer, prompts, batch_rows=batch_rows, **settings)
    assert together.equals(apart)
    assert set(together["finish_reason"].to_pylist()) == {"stop", "length"}


def test_order_of_prompts_only_orders_the_table(tokenizer, prompts):
    model = tiny_model("qwen2_sliding")
    settings = {"max_new_tokens": 6, "seed": 3, "batch_rows": 5}
    forwards = generate(model, tokenizer, prompts, **settings)
    backwards = generate(model, tokenizer, prompts[::-1], **settings)
    assert rows(forwards) == rows(backwards)
    assert forwards["question_id"].to_pylist() == [p.question_id for p in prompts for _ in range(3)]
    assert backwards["question_id"].to_pylist() == [p.question_id for p in prompts[::-1] for _ in range(3)]


def test_uneven_sample_counts_and_temperatures_share_a_batch(tokenizer, prompts):
    model = tiny_model("qwen2")
    mixed = [
        Prompt(p.question_id, p.text, p.token_ids, samples=1 + number, temperature=float(number % 2))
        for number, p in enumerate(prompts)
    ]
    table = rows(generate(model, tokenizer, mixed, max_new_tokens=8, seed=1, batch_rows=100))
    assert sorted(table) == sorted((p.question_id, s) for p in mixed for s in range(p.samples))
    for prompt in mixed:
        alone = rows(generate(model, tokenizer, [prompt], max_new_tokens=8, seed=1, batch_rows=100))
        assert all(table[key] == ids for key, ids in alone.items())
        if prompt.temperature == 0:
            assert len({tuple(ids) for ids in alone.values()}) == 1


def test_seeds_change_samples_and_repeat(tokenizer, prompts):
    model = tiny_model("qwen2")
    settings = {"max_new_tokens": 10, "batch_rows": 8}
    first, again = (generate(model, tokenizer, prompts, seed=1, **settings) for _ in range(2))
    other = generate(model, tokenizer, prompts, seed=2, **settings)
    assert first.equals(again)
    assert rows(first) != rows(other)
    assert len(set(first["seed"].to_pylist())) == first.num_rows


def test_table_has_the_schema_and_says_how_rows_ended(tokenizer, prompts):
    model = tiny_model("qwen2")
    table = generate(model, tokenizer, prompts, max_new_tokens=8, seed=0, batch_rows=8, stop_ids=range(2, 30))
    assert table.schema.equals(SCHEMA)
    for row in table.to_pylist():
        assert row["n_tokens"] == len(row["token_ids"])
        assert not set(row["token_ids"]) & set(range(2, 30))
        assert (row["finish_reason"] == "length") == (row["n_tokens"] == 8)
        assert row["response"] == tokenizer.decode(row["token_ids"], skip_special_tokens=True)


def test_end_of_turn_ids_are_all_that_are_named(tokenizer):
    model = tiny_model("qwen2")
    model.generation_config.eos_token_id = [7, 9]
    assert end_of_turn_ids(model, tokenizer) == {7, 9, 2}
    model.generation_config.eos_token_id = 7
    assert end_of_turn_ids(model, tokenizer) == {7, 2}
    model.generation_config.eos_token_id = None
    assert end_of_turn_ids(model, tokenizer) == {2}


def test_an_interrupted_job_continues_to_the_same_table(tokenizer, prompts, tmp_path, monkeypatch):
    import forewarn.models.generation as module

    model = tiny_model("qwen2_sliding")
    settings = {"max_new_tokens": 8, "seed": 4, "batch_rows": 6}
    whole = generate(model, tokenizer, prompts, **settings)
    decode, calls = module.decode, []

    def dies_in_the_second_batch(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return decode(*arguments)

    monkeypatch.setattr(module, "decode", dies_in_the_second_batch)
    with pytest.raises(KeyboardInterrupt):
        generate(model, tokenizer, prompts, checkpoint=tmp_path, **settings)
    resumed = generate(model, tokenizer, prompts, checkpoint=tmp_path, **settings)
    assert resumed.equals(whole)
    assert len(calls) == 2 + 2  # of three batches, the first was not decoded again


def test_prompts_come_from_a_question_table():
    table = pa.table(
        {
            "question_id": ["b", "a"],
            "prompt": ["x", "y"],
            "token_ids": pa.array([[1, 2], [3]], pa.list_(pa.int32())),
            "samples": pa.array([2, 1], pa.int32()),
            "temperature": pa.array([1.0, 0.0], pa.float32()),
            "reference": pa.array([None, None], pa.string()),
        }
    )
    assert prompts_from_table(table) == [Prompt("b", "x", (1, 2), 2, 1.0), Prompt("a", "y", (3,), 1, 0.0)]


@pytest.mark.parametrize(
    ("prompts", "words"),
    [
        ([Prompt("a", "", (5,), 1, 1.0)] * 2, "'a' occurs twice"),
        ([Prompt("a", "", (), 1, 1.0)], "has no tokens"),
        ([Prompt("a", "", (5, 300), 1, 1.0)], "vocabulary 300"),
        ([Prompt("a", "", (5,) * 250, 1, 1.0)], "exceeds the model's 256 positions"),
    ],
)
def test_unusable_prompts_are_refused(tokenizer, prompts, words):
    with pytest.raises(StudyError, match=words):
        generate(tiny_model("qwen2"), tokenizer, prompts, max_new_tokens=8, seed=0, batch_rows=8)
