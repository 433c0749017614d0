"""Fine-tuning prompts are read where their answers begin, some of them, and none that was held out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import capture_training_prompts as script
from forewarn.chat.template import encode_prompt
from forewarn.data.dataset import SCHEMA, format_dataset
from forewarn.errors import StudyError
from forewarn.files import write_table
from forewarn.geometry.activations import read_activations
from forewarn.models.activations import capture
from forewarn.models.load import load_model
from forewarn.models.requests import Request, requests_from_dataset
from tiny_models import SENTENCES, save_folder, tiny_model, tiny_tokenizer


def dataset(held_out):
    """Rows of three tokens, the second of which begins the answer."""
    rows = [
        {"row": n, "token_ids": [n, 7, 8], "loss_mask": [0, 1, 1], "held_out": apart}
        for n, apart in enumerate(held_out)
    ]
    return pa.Table.from_pylist(rows, pa.schema([SCHEMA.field(name) for name in rows[0]]))


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 70))
def test_rows_that_are_trained_on_are_chosen_evenly(held_out, most):
    trained = [number for number, apart in enumerate(held_out) if not apart]
    if not trained:
        with pytest.raises(StudyError, match="no row that is trained on"):
            requests_from_dataset(dataset(held_out), most)
        return
    requests = requests_from_dataset(dataset(held_out), most)
    assert requests == [Request(request.question_id, (int(request.question_id),)) for request in requests]
    places = [trained.index(int(request.question_id)) for request in requests]
    assert len(places) == min(most, len(trained)) and places[0] == 0
    gaps = np.diff([*places, len(trained)])
    assert gaps.min() >= 1 and gaps.max() - gaps.min() <= 1


def test_a_prompt_is_what_the_model_is_asked_with():
    tokenizer = tiny_tokenizer()
    conversations = [
        [{"role": "user", "content": text}, {"role": "assistant", "content": "rest"}] for text in SENTENCES
    ]
    further = [{"role": "user", "content": "why"}, {"role": "assistant", "content": "water"}]
    conversations[1] += further
    table = format_dataset(conversations, tokenizer, max_length=200, max_truncated_share=0.0)
    for request, conversation in zip(requests_from_dataset(table, 200), conversations, strict=True):
        assert list(request.prompt) == encode_prompt(tokenizer, conversation[:1])[1]


def test_the_script_writes_what_the_instruct_model_reads_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tokenizer = tiny_tokenizer()
    files = sorted(save_folder(tiny_model(), tokenizer, tmp_path / "model").iterdir())
    conversations = [
        [{"role": "user", "content": text}, {"role": "assistant", "content": "rest"}] for text in SENTENCES
    ]
    write_table(
        tmp_path / "rows.parquet",
        format_dataset(conversations, tokenizer, max_length=200, max_truncated_share=0.0, held_out=0.25),
    )
    settings = {
        "model": {"source": "folder", "dtype": "float32", "attention": "sdpa"},
        "layers": [0, 2], "batch_rows": 2, "training_prompts": 2,
    }  # fmt: skip
    script.main(
        dataset=tmp_path / "rows.parquet", activations=tmp_path / "read.parquet", settings=settings,
        model=files,
    )  # fmt: skip
    read = read_activations(tmp_path / "read.parquet", "last_prompt_token")
    assert len(read.keys) == 2 and {sample for _, sample in read.keys} == {-1} and read.layers == (0, 2)
    requests = [
        Request(name, tuple(encode_prompt(tokenizer, conversations[int(name)][:1])[1]))
        for name, _ in read.keys
    ]
    alone = tmp_path / "alone.parquet"
    capture(load_model(tmp_path / "model"), tokenizer, requests, layers=[0, 2], batch_rows=1, path=alone)
    np.testing.assert_allclose(
        read.vectors, read_activations(alone, "last_prompt_token").vectors, rtol=1e-3, atol=1e-4
    )
