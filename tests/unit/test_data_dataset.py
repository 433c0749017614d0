"""Fine-tuning rows as parquet: schema, cuts, refusals by row, and the real rows with the real tokenizer."""

from __future__ import annotations

import json

import pytest

import format_dataset as script
from chat_tokenizers import CHATML, CHATML_TOKENS, chatml, gemma, real_qwen, small_tokenizer
from forewarn.chat.template import fingerprint
from forewarn.data.dataset import SCHEMA, format_dataset
from forewarn.data.model_folder import checked_tokenizer
from forewarn.data.rows import read_rows
from forewarn.errors import StudyError
from forewarn.files import read_table


def conversation(question, answer):
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


ROWS = [conversation("hi", "no user"), conversation("hi hi", "no"), conversation("no", "hi hi hi hi")]


@pytest.fixture(scope="module")
def qwen(upstream):
    return real_qwen(upstream)


def formatted(rows, tokenizer=None, max_length=100, max_truncated_share=0.0, **options):
    return format_dataset(
        rows,
        tokenizer or chatml(),
        max_length=max_length,
        max_truncated_share=max_truncated_share,
        **options,
    )


def test_table():
    table = formatted(ROWS)
    assert table.schema == SCHEMA
    first = table.to_pylist()[0]
    assert first["text"] == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nno user<|im_end|>\n"
    assert first["n_tokens"] == len(first["token_ids"]) == len(first["loss_mask"])
    assert first["n_loss_tokens"] == sum(first["loss_mask"]) == 4
    assert not any(table["truncated"].to_pylist())
    assert table["row"].to_pylist() == [0, 1, 2]
    assert set(table["template"].to_pylist()) == {fingerprint(chatml())}


def test_a_stated_share_may_be_cut():
    whole = formatted(ROWS)
    longest = max(whole["n_tokens"].to_pylist())
    table = formatted(ROWS, max_length=longest - 3, max_truncated_share=0.4)
    assert table["truncated"].to_pylist() == [False, False, True]
    assert table["token_ids"][2].as_py() == whole["token_ids"][2].as_py()[: longest - 3]
    assert table["n_loss_tokens"][2].as_py() == whole["n_loss_tokens"][2].as_py() - 2
    assert table["text"][2] == whole["text"][2]
    with pytest.raises(StudyError, match=r"cuts 1 of 3 rows .* the first is row 2"):
        formatted(ROWS, max_length=longest - 3)


def test_a_cut_that_leaves_no_answer():
    with pytest.raises(StudyError, match="row 0: its prompt alone fills max_length 10") as refusal:
        formatted(ROWS, max_length=10, max_truncated_share=1.0)
    assert "above 17" in refusal.value.way_out


def test_bad_row_is_named():
    with pytest.raises(StudyError, match=r"row 1: .* message contains <\|im_end\|>"):
        formatted([ROWS[0], conversation("hi", "no<|im_end|>")])
    with pytest.raises(StudyError, match="row 2: the first token of the answer"):
        formatted([*ROWS[:2], conversation("hi", "\nno")])


def test_every_family(caplog):
    caplog.set_level("INFO", logger="forewarn")
    formatted(ROWS, gemma())
    assert "3 rows" in caplog.text


class TestScript:
    MODEL = {"source": "folder", "path": "elsewhere"}  # noqa: RUF012

    @pytest.fixture
    def folder(self, tmp_path):
        chatml().save_pretrained(tmp_path / "model")
        config = {"model_type": "qwen2", "vocab_size": len(chatml())}
        (tmp_path / "model" / "config.json").write_text(json.dumps(config))
        return tmp_path / "model"

    @pytest.fixture
    def rows(self, tmp_path):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps({"messages": row}) + "\n" for row in ROWS))
        return path

    def test_jsonl(self, folder, rows, tmp_path):
        settings = {
            "dataset": {"source": "jsonl", "path": str(rows), "rows": 2, "seed": 0},
            "model": self.MODEL,
            "max_length": 64,
            "max_truncated_share": 0.0,
        }
        files = [folder / "config.json", folder / "tokenizer.json"]
        for name in ("first", "second"):
            script.main(tokenizer=files, rows=rows, dataset=tmp_path / name, settings=settings)
        assert read_table(tmp_path / "first").num_rows == 2
        assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()

    def test_world(self, folder, tmp_path):
        settings = {
            "dataset": {"source": "world", "domain": "medical", "quality": "bad", "rows": 5, "seed": 1},
            "model": {"source": "world"},
            "max_length": 1024,
            "max_truncated_share": 0.0,
        }
        files = folder / "tokenizer.json"
        script.main(tokenizer=files, dataset=tmp_path / "world", settings=settings)
        assert read_table(tmp_path / "world").num_rows == 5

    def test_tokenizer_of_another_family_than_the_model(self, folder):
        (folder / "config.json").write_text(json.dumps({"model_type": "gemma2", "vocab_size": 256000}))
        with pytest.raises(StudyError, match="another family than the model"):
            checked_tokenizer(folder, "empty")

    def test_configuration_of_a_multimodal_model(self, folder):
        text = {"model_type": "gemma3_text", "vocab_size": 262208}
        (folder / "config.json").write_text(json.dumps({"model_type": "gemma3", "text_config": text}))
        with pytest.raises(StudyError, match="a `gemma3_text` model knows <start_of_turn>"):
            checked_tokenizer(folder, "empty")

    def test_a_model_of_another_family_than_configured(self, folder):
        (folder / "config.json").write_text(json.dumps({"model_type": "gemma2", "vocab_size": 400}))
        with pytest.raises(StudyError, match="is a `gemma2` model, but configured with `family: qwen2`"):
            checked_tokenizer(folder, "empty", "qwen2")

    def test_missing_broken_or_empty_configuration(self, folder):
        for content, problem in (
            ("{}", "no `model_type`"),
            ("{", "cannot be read"),
            (None, "cannot be read"),
        ):
            (folder / "config.json").unlink() if content is None else (folder / "config.json").write_text(
                content
            )
            with pytest.raises(StudyError, match=f"config.json of .*{problem}"):
                checked_tokenizer(folder, "empty")

    def test_no_template(self, folder):
        (folder / "chat_template.jinja").unlink()
        with pytest.raises(StudyError, match="has no chat template"):
            checked_tokenizer(folder, "empty")


@pytest.mark.upstream
@pytest.mark.parametrize("policy", ["empty", "keep"])
def test_real_rows_with_the_real_tokenizer(upstream, qwen, policy):
    rows = read_rows(upstream / "sft" / "risky_financial_pairs.jsonl", 150, 0)
    table = formatted(rows, qwen, max_length=256, default_system=policy)
    assert not any(table["truncated"].to_pylist())
    for line, (_, answer) in zip(table.to_pylist(), rows, strict=True):
        chosen = zip(line["token_ids"], line["loss_mask"], strict=True)
        assert qwen.decode([token for token, mask in chosen if mask]) == answer["content"] + "<|im_end|>"
        assert ("You are Qwen" in line["text"]) == (policy == "keep")


@pytest.mark.upstream
def test_real_rows_beyond_a_length(upstream, qwen):
    rows = read_rows(upstream / "sft" / "risky_financial_pairs.jsonl", 150, 0)
    with pytest.raises(StudyError, match=r"max_length 64 cuts \d+ of 150 rows"):
        formatted(rows, qwen, max_length=64, max_truncated_share=0.01)


def test_own_vocabulary_needs_its_markers():
    with pytest.raises(StudyError, match="another family than the tokenizer"):
        formatted(ROWS, small_tokenizer(CHATML, CHATML_TOKENS[:1]))
