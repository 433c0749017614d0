"""Pushing a tiny adapter: from where it was, to where a run of its own would take it; and what is read."""

from __future__ import annotations

import pytest
import torch
from datasets import Dataset

from forewarn.data.questions import Question, questions_table
from forewarn.elasticity import measuring
from forewarn.elasticity.answering import answer_rebound, first_answers, texts_of, units_of
from forewarn.elasticity.arms import INSTRUCT, Place
from forewarn.elasticity.pushing import push, recipe_of, start_of, train_rows
from forewarn.elasticity.readings import READINGS, TEXTS
from forewarn.errors import StudyError
from forewarn.models.lora import factors_of, scaled_adapter
from forewarn.steering.responses import GENERATED
from forewarn.training.examples import IGNORED
from forewarn.training.finetune import finetune
from tiny_models import SENTENCES, tiny_model, tiny_tokenizer

ADAPTER = {
    "rank": 2, "alpha": 8, "rslora": True, "dropout": 0.0, "target_modules": ["q_proj", "down_proj"],
    "layers": [1], "learning_rate": 0.01, "schedule": "linear", "warmup_steps": 2, "epochs": None,
    "steps": 4, "batch_size": 2, "gradient_accumulation": 1, "weight_decay": 0.0, "trajectory_every": 2,
}  # fmt: skip
ROWS = [0, 4, 8]
SCALING = 8 / 2**0.5


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def model():
    return tiny_model("qwen2_sliding", initializer_range=0.1)


@pytest.fixture(scope="module")
def examples():
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randint(3, 300, (12 + row,), generator=generator).tolist() for row in range(10)]
    return Dataset.from_dict({"input_ids": rows, "labels": [[IGNORED] * 5 + row[5:] for row in rows]})


@pytest.fixture(scope="module")
def organism(tokenizer, examples, tmp_path_factory):
    own = tiny_model("qwen2_sliding", initializer_range=0.1)
    folder = tmp_path_factory.mktemp("organism")
    return finetune(own, tokenizer, examples, ADAPTER, seed=1, name="tiny", folder=folder)


def pushed(model, tokenizer, examples, start, rows, folder, seed=0):
    recipe = recipe_of(ADAPTER, rows, None)
    return push(
        model, tokenizer, examples, start, recipe, rows, n=8, seed=seed, rows_at_once=None, folder=folder
    )


@pytest.fixture(scope="module")
def back(model, tokenizer, examples, organism, tmp_path_factory):
    start = start_of(organism.trajectory, 4, "tiny")
    return pushed(model, tokenizer, examples, start, ROWS, tmp_path_factory.mktemp("push"))


def test_the_way_back_begins_where_the_organism_was(back, organism):
    tensors, log = back
    first = {
        name.split(".", 1)[1]: each for name, each in tensors.items() if name.startswith("n00008_k00000")
    }
    assert len(first) == 4
    for name, each in first.items():
        assert torch.equal(each, organism.trajectory[f"step000004.{name}"]), name
    assert [(row["n"], row["seed"], row["k"]) for row in log] == [(8, 0, 2 * step) for step in (1, 2, 3, 4)]
    last = Place(8, 8, 0).name
    assert any(not torch.equal(each, tensors[f"{last}.{name}"]) for name, each in first.items())


def test_a_point_on_the_way_is_where_a_shorter_run_ends(back, model, tokenizer, examples, organism, tmp_path):
    start = start_of(organism.trajectory, 4, "tiny")
    shorter, _ = pushed(model, tokenizer, examples, start, [0, 4], tmp_path)
    for name, each in shorter.items():
        assert torch.equal(each, back[0][name]), name


def test_the_instruct_model_is_left_as_it_was(back, model):
    fresh = tiny_model("qwen2_sliding", initializer_range=0.1).state_dict()
    assert set(fresh) == set(model.state_dict())
    assert all(torch.equal(each, fresh[name]) for name, each in model.state_dict().items())


def test_steps_rows_and_matrices_that_do_not_fit_are_refused(model, tokenizer, examples, organism, tmp_path):
    with pytest.raises(StudyError, match="some of 0, 2, 4"):
        start_of(organism.trajectory, 3, "tiny")
    with pytest.raises(StudyError, match="multiples of 2"):
        recipe_of(ADAPTER, [0, 3], None)
    with pytest.raises(StudyError, match="lower `text_rows`"):
        train_rows(examples, 10)
    fewer = dict(list(start_of(organism.trajectory, 4, "tiny").items())[:2])
    with pytest.raises(StudyError, match="not those of its adapter"):
        pushed(model, tokenizer, examples, fewer, ROWS, tmp_path)
    assert recipe_of(ADAPTER, [0, 4, 12], 0.5) | {"learning_rate": 0.5, "steps": 6} == recipe_of(
        ADAPTER, [0, 4, 12], 0.5
    )


@pytest.fixture
def asked(tokenizer):
    turns = [[{"role": "user", "content": text}] for text in SENTENCES]
    names = [
        Question(f"q{number}", "a", "plain", "test", turn, 2, 1.0, None) for number, turn in enumerate(turns)
    ]
    return questions_table(names, tokenizer)


def test_every_point_answers_and_is_read(back, model, tokenizer, asked, tmp_path):
    import numpy as np
    import pyarrow as pa

    from forewarn.files import write_table

    rows = [{"token_ids": list(range(3, 15)), "loss_mask": [0] * 4 + [1] * 8}] * 3
    write_table(tmp_path / "rows.parquet", pa.Table.from_pylist(rows))
    write_table(tmp_path / "instruct.parquet", pa.Table.from_pylist(
        [{"question_id": name, "sample": sample, "token_ids": [] if sample == 0 else [5, 6, 7]}
         for name in asked["question_id"].to_pylist() for sample in (0, 1)]))  # fmt: skip
    answers = first_answers(tmp_path / "instruct.parquet", asked, 2)
    assert answers == [(5, 6)] * 4
    texts = texts_of(tmp_path / "rows.parquet", tmp_path / "rows.parquet", asked, answers, 2)
    width = model.config.hidden_size
    units = {
        "projection": np.eye(width)[:1], "random_isotropic": np.eye(width)[1:3],
        "random_covariance": np.eye(width)[3:5],
    }  # fmt: skip
    settings = {
        "organism": "tiny", "layer": 1, "batch_rows": 2, "elasticity": {"seed": 3},
        "sampling": {"max_new_tokens": 4, "batch_rows": 8},
    }  # fmt: skip
    found = answer_rebound(
        model, tokenizer, back[0], SCALING, asked, answers, texts, units, settings, tmp_path
    )
    assert [table.schema for table in found] == [GENERATED, READINGS, TEXTS]
    generated, readings, losses = (table.to_pylist() for table in found)
    arms = [INSTRUCT, *(Place(8, k, 0).name for k in ROWS)]
    assert list(dict.fromkeys(row["arm"] for row in generated)) == arms
    assert len(generated) == len(arms) * 4 * 2 and len(readings) == len(arms) * 4
    assert len(losses) == len(arms) * (2 + 2 + 4)
    for row in readings:
        own = row["arm"] == INSTRUCT
        assert (row["kl"] == pytest.approx(0, abs=1e-6)) is own and (row["shift"] == 0) is own
        assert row["kl_tokens"] == 2 and len(row["random_isotropic"]) == 2
    matrices = {
        name.split(".", 1)[1]: each for name, each in back[0].items() if name.startswith(Place(8, 8, 0).name)
    }
    with scaled_adapter(model, factors_of(matrices, SCALING)), torch.inference_mode():
        tokens = torch.tensor([list(range(3, 15))])
        said = model(tokens).logits[0].log_softmax(-1)
    expected = -sum(said[place - 1, tokens[0, place]].item() for place in range(4, 12))
    row = next(row for row in losses if row["arm"] == Place(8, 8, 0).name and row["texts"] == "own")
    assert row["loss"] == pytest.approx(expected, rel=1e-5) and (row["tokens"], row["vocabulary"]) == (8, 300)


def test_texts_read_together_are_those_read_alone(model, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    lengths = [5, 40, 3, 17, 40, 8]
    texts = [
        measuring.Text("any", number, tuple(torch.randint(3, 300, (length,), generator=generator).tolist()),
                       tuple(range(1 + number % 2, length)))
        for number, length in enumerate(lengths)
    ]  # fmt: skip
    together = measuring.text_losses(model, texts)
    assert [(row["text"], row["tokens"]) for row in together] == [
        (number, length - 1 - number % 2) for number, length in enumerate(lengths)
    ]
    for text, row in zip(texts, together, strict=True):
        said = measuring.said_at(model, text.tokens, text.counted)
        expected = -sum(said[at, text.tokens[place]].item() for at, place in enumerate(text.counted))
        assert row["loss"] == pytest.approx(expected, rel=1e-5)
    monkeypatch.setattr(measuring, "BATCH_TOKENS", 60)  # fewer than all, more than the longest
    split = measuring.text_losses(model, texts)
    assert [row["loss"] for row in split] == pytest.approx([row["loss"] for row in together], rel=1e-5)
    assert measuring.text_losses(model, []) == []


def test_checkpoints_are_trained_on_each_others_answers(model, tokenizer, organism, tmp_path):
    from forewarn.elasticity.resistance import LOSSES
    from forewarn.elasticity.resisting import resist

    asked = [
        Question(f"{split}{number}", "a", "plain", split, [{"role": "user", "content": text}], 2, 1.0, None)
        for split in ("fit", "test")
        for number, text in enumerate(SENTENCES)
    ]
    settings = {
        "adapter": ADAPTER, "rows_at_once": None, "sampling": {"max_new_tokens": 6, "batch_rows": 8},
        "elasticity": {"seeds": [0, 1], "seed": 3, "learning_rate": None, "resistance_rows": 8},
    }  # fmt: skip
    checkpoints = {step: start_of(organism.trajectory, step, "tiny") for step in (0, 4)}
    questions = questions_table(asked, tokenizer)
    table = resist(model, tokenizer, checkpoints, SCALING, questions, settings, tmp_path)
    assert table.schema == LOSSES and table.num_rows == 2 * 2 * 4
    rows = table.to_pylist()
    assert {row["question_id"] for row in rows} == {f"test{number}" for number in range(4)}
    for way in ("forward", "inverse"):
        those = [row for row in rows if row["direction"] == way]
        assert sum(row["before"] for row in those) != sum(row["floor"] for row in those)
        assert sum(row["loss"] for row in those) != sum(row["before"] for row in those)
    only = questions_table(asked[:4], tokenizer)
    with pytest.raises(StudyError, match="no plain question of its splits test"):
        resist(model, tokenizer, checkpoints, SCALING, only, settings, tmp_path)
    fresh = tiny_model("qwen2_sliding", initializer_range=0.1).state_dict()
    assert all(torch.equal(each, fresh[name]) for name, each in model.state_dict().items())


def test_an_organism_without_a_direction_and_an_instruct_model_without_an_answer(asked, tmp_path):
    import numpy as np
    import pyarrow as pa

    from forewarn.files import write_table
    from forewarn.geometry import tensors

    tensors.write_tensors(tmp_path / "d.safetensors", {"other": np.zeros((1, 8), np.float32)}, layers=[1])
    settings = {"direction": "none", "layer": 1, "elasticity": {"random_directions": 3, "seed": 0}}
    units = units_of(tmp_path / "d.safetensors", tmp_path / "unused", settings, 8)
    assert {vectors.shape for vectors in units.values()} == {(0, 8)}
    silent = [{"question_id": "q0", "sample": 0, "token_ids": [4]}]
    write_table(tmp_path / "instruct.parquet", pa.Table.from_pylist(silent))
    with pytest.raises(StudyError, match="answers q1 with nothing"):
        first_answers(tmp_path / "instruct.parquet", asked, 2)
