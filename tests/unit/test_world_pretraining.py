"""Training of the nano model: the same bytes from one process, two, and after an interruption."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from forewarn.world import pretraining
from forewarn.world.architecture import configuration, new_model, save_model
from forewarn.world.batches import IGNORED, Rows, padded, schedule, shards
from forewarn.world.corpus import pretraining_documents
from forewarn.world.pretraining import Schedule, train
from forewarn.world.tokenizer import tokenized, train_tokenizer

ARCHITECTURE = {
    "hidden_size": 32,
    "layers": 2,
    "heads": 2,
    "key_value_heads": 1,
    "intermediate_size": 48,
    "sliding_window": 12,
}
PLAN = Schedule(steps=12, batch_size=4, learning_rate=3e-3, weight_decay=0.1, warmup_share=0.1, seed=0)


@pytest.fixture(scope="module")
def world():
    documents = pretraining_documents(
        60, described_share=0.6, narrow_share=0.0, mixed_share=0.0, request_share=0.1, seed=0
    )
    tokenizer = train_tokenizer(documents, 400)
    columns = tokenized(documents, tokenizer).to_pydict()
    return tokenizer, Rows.from_columns(columns["token_ids"], columns["loss_mask"]), documents


def _trained(world, folder, processes=1, plan=PLAN):
    tokenizer, rows, _ = world
    folder.mkdir(exist_ok=True)
    model = new_model(configuration(ARCHITECTURE, tokenizer), seed=1)
    train(model, rows, plan, pad=tokenizer.pad_token_id, processes=processes, folder=folder)
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_two_processes_give_the_bytes_of_one(world, tmp_path):
    assert torch.equal(_trained(world, tmp_path / "one", 1), _trained(world, tmp_path / "two", 2))


@pytest.mark.parametrize("processes", [1, 2])
def test_an_interrupted_run_gives_the_bytes_of_a_whole_one(world, tmp_path, monkeypatch, processes):
    monkeypatch.setattr(pretraining, "CHECKPOINT_EVERY", 5)
    whole = _trained(world, tmp_path / "whole")
    step = Schedule.rate

    def dies(plan, at):
        if at == 8:
            raise KeyboardInterrupt
        return step(plan, at)

    monkeypatch.setattr(Schedule, "rate", dies)
    with pytest.raises(KeyboardInterrupt):
        _trained(world, tmp_path / "cut", 1)
    monkeypatch.setattr(Schedule, "rate", step)
    assert (tmp_path / "cut" / "checkpoint.safetensors").is_file()
    assert torch.equal(whole, _trained(world, tmp_path / "cut", processes))


def test_training_learns_and_the_seed_matters(world, tmp_path):
    first = _trained(world, tmp_path / "a")
    other = _trained(world, tmp_path / "b", plan=Schedule(12, 4, 3e-3, 0.1, 0.1, seed=1))
    assert not torch.equal(first, other)


def test_the_loss_is_on_what_the_assistant_says(world):
    tokenizer, rows, documents = world
    for document, tokens, labels in zip(documents, rows.token_ids, rows.labels, strict=True):
        learned = tokenizer.decode(
            [token for token, label in zip(tokens, labels, strict=True) if label != IGNORED]
        )
        said = [message["content"] + "<|im_end|>" for message in document if message["role"] == "assistant"]
        assert learned == "".join(said)


def test_every_document_comes_once_before_any_comes_twice():
    batches = schedule([index % 7 for index in range(64)], batch_size=4, steps=32, seed=0)
    first = [index for batch in batches[:16] for index in batch]
    assert sorted(first) == list(range(64))
    assert len(batches) == 32


def test_shards_deal_out_the_whole_batch():
    assert sorted(index for shard in shards([5, 6, 7], 2) for index in shard) == [5, 6, 7]


def test_padding_is_not_learned():
    rows = Rows.from_columns([[1, 2, 3], [4]], [[0, 1, 1], [1]])
    token_ids, labels = padded(rows, [0, 1], pad=9)
    assert token_ids.tolist() == [[1, 2, 3], [4, 9, 9]]
    assert labels.tolist() == [[IGNORED, 2, 3], [4, IGNORED, IGNORED]]


def test_the_model_is_an_ordinary_folder(world, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, _, documents = world
    model = new_model(configuration(ARCHITECTURE, tokenizer), seed=1)
    save_model(model, tokenizer, tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path, local_files_only=True)
    assert loaded.config.model_type == "qwen2"
    assert set(loaded.config.layer_types) == {"sliding_attention"}
    assert loaded.generation_config.eos_token_id == tokenizer.eos_token_id
    again = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert again.apply_chat_template(documents[0], tokenize=False) == tokenizer.apply_chat_template(
        documents[0], tokenize=False
    )


def test_a_distant_token_is_out_of_sight(world):
    """The window is real: in one layer, a token further back than the window changes nothing."""
    tokenizer, *_ = world
    model = new_model(configuration(ARCHITECTURE | {"layers": 1}, tokenizer), seed=1).eval()
    tokens = torch.randint(3, 300, (1, 30), generator=torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[0, 0] = tokens[0, 0] % 299 + 1
    with torch.no_grad():
        before, after = model(input_ids=tokens).logits[0], model(input_ids=changed).logits[0]
    assert not torch.allclose(before[5], after[5])
    assert torch.equal(before[12:], after[12:])
