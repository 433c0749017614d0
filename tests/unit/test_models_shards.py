"""Work spread over several jobs gives the same bytes as one job."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forewarn.data.questions import Question, questions_table
from forewarn.errors import StudyError
from forewarn.files import read_table, write_table
from forewarn.models import activations, generation
from forewarn.models.requests import requests_from_tables
from forewarn.models.shards import part
from tiny_models import SENTENCES, tiny_model, tiny_tokenizer

COUNTS = [2, 3, 11]


@given(st.lists(st.integers()), st.integers(1, 12))
def test_shards_are_all_of_it_in_order_and_of_one_size(pieces, count):
    shards = [part(pieces, (number, count)) for number in range(1, count + 1)]
    assert list(chain.from_iterable(shards)) == pieces
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def questions(tokenizer):
    return questions_table(
        [
            Question(f"q{n}", "a", "plain", "fit", [{"role": "user", "content": text}], 3, 1.0, None)
            for n, text in enumerate(SENTENCES)
        ],
        tokenizer,
    )


@pytest.fixture(scope="module")
def answers(tokenizer, questions):
    prompts = generation.prompts_from_table(questions)
    model = tiny_model("qwen2")

    def answer(**shard):
        return generation.generate(model, tokenizer, prompts, max_new_tokens=6, seed=3, batch_rows=4, **shard)

    return prompts, answer


@pytest.mark.parametrize("count", COUNTS)
def test_generations(answers, tmp_path, count):
    prompts, answer = answers
    for number in range(1, count + 1):
        write_table(tmp_path / f"{number}.parquet", answer(shard=(number, count)))
    shards = [read_table(tmp_path / f"{number}.parquet") for number in range(1, count + 1)]
    write_table(tmp_path / "merged.parquet", generation.merge(shards, prompts))
    write_table(tmp_path / "whole.parquet", answer())
    assert (tmp_path / "merged.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    with pytest.raises(StudyError, match="where 12 are wanted"):
        generation.merge(
            [*shards[:-2], shards[-1]] if shards[-2].num_rows else shards[:0] + shards[:1], prompts
        )


@pytest.mark.parametrize("count", COUNTS)
def test_activations(answers, questions, tokenizer, tmp_path, count, monkeypatch):
    monkeypatch.setattr(activations, "CHUNK_BATCHES", 1)
    requests = requests_from_tables(questions, answers[1](), None)

    def read(name, **shard):
        path = tmp_path / f"{name}.parquet"
        activations.capture(
            tiny_model("qwen2"), tokenizer, requests, layers="all", batch_rows=2, path=path, **shard
        )
        return path

    shards = [read(number, shard=(number, count)) for number in range(1, count + 1)]
    activations.merge(shards, tmp_path / "merged.parquet")
    assert (tmp_path / "merged.parquet").read_bytes() == read("whole").read_bytes()
