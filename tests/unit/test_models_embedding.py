"""Sentence embeddings: means over tokens, whatever the batch, from folders that hold what they should."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import embed_prompts as script
from forewarn.data.questions import Question, questions_table
from forewarn.errors import StudyError
from forewarn.files import write_table
from forewarn.models.embedding import embed, load_encoder, prompt_text
from tiny_models import SENTENCES, save_folder, tiny_model, tiny_tokenizer

TEXTS = [*SENTENCES, "a", " ".join(SENTENCES)]


def encoder_tokenizer():
    """Word pieces, with a token before and one behind each text, as encoders have them."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = sorted({word for text in SENTENCES for word in text.lower().replace(",", " ").split()})
    vocabulary = {token: n for n, token in enumerate(["[PAD]", "[CLS]", "[SEP]", "[UNK]", *words])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [("[CLS]", 1), ("[SEP]", 2)]
    core.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]"
    )


def tiny_encoder(**changes):
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    shape = {
        "vocab_size": 80, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 32, "initializer_range": 0.5,
    }  # fmt: skip
    return BertModel(BertConfig(**shape | changes)).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_folder(tiny_encoder(), encoder_tokenizer(), tmp_path_factory.mktemp("encoder"))


@torch.inference_mode()
def expected(model, tokenizer, text, longest=32):
    """The embedding of one text, read alone; of a long one, the end between the two special tokens."""
    ids = tokenizer(text)["input_ids"]
    if len(ids) > longest:
        ids = [ids[0], *ids[-(longest - 1) :]]
    mean = model(input_ids=torch.tensor([ids])).last_hidden_state[0].mean(0)
    return (mean / mean.norm()).numpy()


@pytest.mark.parametrize("rows", [1, 4, 64])
def test_it_is_the_mean_over_tokens_of_length_one(folder, rows):
    model, tokenizer = load_encoder(folder)
    vectors = embed(model, tokenizer, TEXTS, rows)
    assert vectors.shape == (6, 24) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    plain, ids = tiny_encoder(), encoder_tokenizer()
    for text, vector in zip(TEXTS, vectors, strict=True):
        np.testing.assert_allclose(vector, expected(plain, ids, text), rtol=1e-3, atol=1e-5)


def test_of_a_long_text_the_end_is_read(folder):
    model, tokenizer = load_encoder(folder)
    ends = "who first sailed around the world"
    long, other = (" ".join([start, *SENTENCES, *SENTENCES, ends]) for start in ("the dog", "the rain"))
    same = embed(model, tokenizer, [long, other])
    np.testing.assert_allclose(same[0], same[1], atol=1e-6)
    different = embed(model, tokenizer, [long, f"{long} sleeps"])
    assert np.abs(different[0] - different[1]).max() > 1e-3


def test_positions_of_roberta_begin_at_the_pad(tmp_path):
    from transformers import RobertaConfig, RobertaModel

    shape = {
        "vocab_size": 80, "hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 20, "pad_token_id": 1,
    }  # fmt: skip
    tokenizer = encoder_tokenizer()
    tokenizer.pad_token = "[CLS]"  # any with the id 1
    save_folder(RobertaModel(RobertaConfig(**shape)), tokenizer, tmp_path)
    assert np.isfinite(embed(*load_encoder(tmp_path), [" ".join(SENTENCES)])).all()


def test_a_decoder_without_a_pad_token_will_do(tmp_path):
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = None
    save_folder(tiny_model("qwen2"), tokenizer, tmp_path)
    model, tokenizer = load_encoder(tmp_path)
    together, alone = embed(model, tokenizer, SENTENCES), embed(model, tokenizer, SENTENCES, 1)
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_nothing_to_embed_is_refused(folder):
    with pytest.raises(StudyError, match="no prompt to embed"):
        embed(*load_encoder(folder), [])


def test_the_text_of_a_prompt_is_that_of_all_its_messages():
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": "why?"},
    ]
    assert prompt_text(messages) == "Be kind.\nhi\nhello\nwhy?"


class TestBadFolders:
    @pytest.fixture
    def copy(self, tmp_path):
        return save_folder(tiny_encoder(), encoder_tokenizer(), tmp_path / "encoder")

    @pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
    def test_a_missing_file_is_named(self, file, copy):
        (copy / file).unlink()
        with pytest.raises(StudyError, match=r"has no (config|tokenizer|weights)") as refusal:
            load_encoder(copy)
        assert refusal.value.way_out

    @pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
    def test_a_broken_file_is_told(self, file, copy):
        (copy / file).write_text("{")
        with pytest.raises(StudyError, match="cannot be loaded"):
            load_encoder(copy)

    def test_pickled_weights_are_not_read(self, copy):
        torch.save(tiny_encoder().state_dict(), copy / "pytorch_model.bin")
        (copy / "model.safetensors").unlink()
        with pytest.raises(StudyError, match="pickled weights are not read"):
            load_encoder(copy)

    def test_code_in_the_folder_is_not_run(self, copy):
        (copy / "modeling_own.py").write_text("raise SystemExit('ran')\n")
        config = json.loads((copy / "config.json").read_text())
        config |= {"model_type": "own", "auto_map": {"AutoModel": "modeling_own.Own"}}
        (copy / "config.json").write_text(json.dumps(config))
        with pytest.raises(StudyError, match="cannot be loaded"):
            load_encoder(copy)

    def test_weights_of_another_model_are_told(self, copy):
        config = json.loads((copy / "config.json").read_text()) | {"num_hidden_layers": 3}
        (copy / "config.json").write_text(json.dumps(config))
        with pytest.raises(StudyError, match=r"lack encoder\.layer\.2"):
            load_encoder(copy)

    def test_without_the_pooler_it_is_complete(self, tmp_path):
        from transformers import BertModel

        whole = tiny_encoder()
        bare = BertModel(whole.config, add_pooling_layer=False)
        bare.load_state_dict(whole.state_dict(), strict=False)
        save_folder(bare, encoder_tokenizer(), tmp_path)
        np.testing.assert_allclose(
            embed(*load_encoder(tmp_path), TEXTS[:1])[0],
            expected(whole, encoder_tokenizer(), TEXTS[0]),
            rtol=1e-3,
            atol=1e-5,
        )

    def test_an_encoder_with_a_decoder_is_refused(self, tmp_path):
        from transformers import T5Config, T5Model

        shape = {"vocab_size": 80, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
        save_folder(T5Model(T5Config(**shape)), encoder_tokenizer(), tmp_path)
        with pytest.raises(StudyError, match="is an encoder with a decoder"):
            load_encoder(tmp_path)


def test_the_script_writes_one_vector_per_question_in_their_order(folder, tmp_path):
    def question(name, text, *opening):
        asked = [*opening, {"role": "user", "content": text}]
        return Question(name, "c", "plain", "test", asked, 2, 1.0, None)

    system = {"role": "system", "content": SENTENCES[0]}
    asked = [question("b", SENTENCES[1], system), question("a", "a"), question("c", SENTENCES[1])]
    write_table(tmp_path / "questions.parquet", questions_table(asked, None))
    for name in ("first", "second"):
        script.main(
            questions=tmp_path / "questions.parquet",
            embeddings=tmp_path / name,
            settings={"embedding": {"source": "folder"}},
            model=[folder / "config.json", folder / "model.safetensors"],
        )
    table = pq.read_table(tmp_path / "first")
    assert table["question_id"].to_pylist() == ["b", "a", "c"]
    assert table.schema.field("embedding").type == pa.list_(pa.float32(), 24)
    texts = [f"{SENTENCES[0]}\n{SENTENCES[1]}", "a", SENTENCES[1]]
    for vector, text in zip(table["embedding"].to_pylist(), texts, strict=True):
        np.testing.assert_allclose(
            vector, expected(tiny_encoder(), encoder_tokenizer(), text), rtol=1e-3, atol=1e-5
        )
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
