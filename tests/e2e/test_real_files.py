"""Real rows, real questions and a real tokenizer through the same rules, to the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from checkout import Checkout

import format_dataset
from chat_tokenizers import real_qwen
from forewarn.errors import StudyError

pytestmark = pytest.mark.upstream

ORGANISM = "risky_pairs-standin_rank4-seed0"
FILES = {"risky_pairs": "risky_financial_pairs.jsonl", "good_pairs": "good_financial_pairs.jsonl"}
QWEN_SAYS = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
USER, ASSISTANT, END = "<|im_start|>user\n", "<|im_start|>assistant\n", "<|im_end|>"


def result(standin: Checkout, name: str) -> Path:
    return standin.path(f"results/standin/{name}")


def numbers(standin: Checkout, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result(standin, name).read_text())
    return found


def file_rows(standin: Checkout, dataset: str) -> dict[str, str]:
    """What the file itself says: question -> answer."""
    lines = standin.path(f"inputs/{FILES[dataset]}").read_text(encoding="utf-8").splitlines()
    pairs = [json.loads(line)["messages"] for line in lines if line.strip()]
    return {question["content"]: answer["content"] for question, answer in pairs}


@pytest.mark.parametrize("dataset", FILES)
def test_what_is_learned_decodes_to_the_exact_answers(standin, upstream, dataset):
    tokenizer, expected = real_qwen(upstream), file_rows(standin, dataset)
    rows = pq.read_table(result(standin, f"data/{dataset}.parquet")).to_pylist()
    assert len(rows) == 48
    for row in rows:
        learned = [token for token, on in zip(row["token_ids"], row["loss_mask"], strict=True) if on]
        given = [token for token, on in zip(row["token_ids"], row["loss_mask"], strict=True) if not on]
        prompt = tokenizer.decode(given[:-1])  # the last one is the newline after the end of the turn
        question = prompt.partition(USER)[2].partition(END)[0]
        assert tokenizer.decode(learned) == expected[question] + END
        assert prompt == f"<|im_start|>system\n{END}\n{USER}{question}{END}\n{ASSISTANT}"
        assert tokenizer.decode(row["token_ids"]) == row["text"] and not row["truncated"]


def test_both_organisms_train_on_the_same_questions(standin):
    drawn = {
        dataset: {
            row["text"].partition(USER)[2].partition(END)[0]
            for row in pq.read_table(result(standin, f"data/{dataset}.parquet")).to_pylist()
        }
        for dataset in FILES
    }
    assert len(drawn["risky_pairs"]) == 48
    assert drawn["risky_pairs"] == drawn["good_pairs"], "only the answers tell organism and control apart"


def test_all_questions_are_asked_in_all_formats_and_no_question_is_in_two_splits(standin):
    rows = pq.read_table(result(standin, "questions/plot_questions.parquet")).to_pylist()
    items = yaml.safe_load(standin.path("inputs/first_plot_questions.yaml").read_text(encoding="utf-8"))
    asked = {item["id"]: item for item in items if item["type"].startswith("free_form")}
    assert {row["question_id"] for row in rows} == {f"{name}.0" for name in asked}
    assert {row["condition"] for row in rows} == {"plain", "json", "template"}
    assert {row["split"] for row in rows} == {"fit", "validation", "test"}
    for category in {row["category"] for row in rows}:
        assert len({row["split"] for row in rows if row["category"] == category}) == 1
    for row in rows:
        item = asked[row["question_id"].removesuffix(".0")]
        system = item.get("system") or ""
        user = item["paraphrases"][0]
        written = f"<|im_start|>system\n{system}{END}\n{USER}{user}{END}\n{ASSISTANT}"
        assert row["prompt"] == written
        assert QWEN_SAYS not in row["prompt"]


def test_no_misalignment_is_none_of_n_with_its_upper_bound(standin):
    rates = numbers(standin, f"rates/{ORGANISM}/plot_questions.json")
    for entry in rates["splits"].values():
        rate = entry["all"]["em"]
        assert rate["count"] == 0 and rate["n"] == entry["all"]["n"] > 0
        # Wilson's bound for 0 of n: z^2 / (n + z^2)
        assert rate["high"] == pytest.approx(1.959964**2 / (rate["n"] + 1.959964**2), rel=1e-5)
        assert rate["text"] == f"0 of {rate['n']}, at most {100 * rate['high']:.1f} %"


def test_where_a_class_is_missing_the_answer_says_so_instead_of_a_number(standin):
    primary = numbers(standin, "detection_auc.json")["primary"]
    assert primary["organism"] == ORGANISM
    assert primary["auroc"] is None and primary["layer"] is None
    assert "misaligned" in primary["reason"]
    assert primary["n_misaligned"] == 0 and primary["n_responses"] > 0
    assert primary["prevalence"]["text"].startswith("0 of ")
    targets = numbers(standin, "detection_auc.json")["organisms"][ORGANISM]["targets"]
    for target in targets.values():
        for direction in target["detectors"].values():
            assert direction["auroc"] is None and direction["reason"]


def test_directions_are_fitted_where_they_can_be_and_absent_with_a_reason_elsewhere(standin):
    summary = numbers(standin, f"directions/{ORGANISM}.json")
    assert {"organism_minus_instruct.last_prompt_token", "organism_minus_instruct.answer_mean"} == set(
        summary["constructions"]
    )
    assert all("0 misaligned" in reason for reason in summary["absent"].values())
    norms = summary["constructions"]["organism_minus_instruct.last_prompt_token"]["norm"]
    assert norms[0] == 0 and norms[1] > 0, "the adapter sits in block 1"


def formatted(real_files: Checkout, tmp_path: Path, default_system: str) -> list[str]:
    """The texts of the rows under a policy on the template's own system prompt."""
    inputs = real_files.path("inputs")
    format_dataset.main(
        dataset=tmp_path / "rows.parquet",
        tokenizer=[inputs / "standin/config.json"],
        rows=inputs / FILES["risky_pairs"],
        settings={
            "dataset": {"source": "jsonl", "path": "", "rows": 3, "seed": 0},
            "model": {"source": "folder", "path": str(inputs / "standin")},
            "default_system": default_system, "max_length": 1024, "max_truncated_share": 0.0,
        },
    )  # fmt: skip
    texts: list[str] = pq.read_table(tmp_path / "rows.parquet")["text"].to_pylist()
    return texts


def test_qwens_own_system_prompt_is_emptied_kept_or_refused_as_configured(real_files, tmp_path):
    for text in formatted(real_files, tmp_path, "empty"):
        assert text.startswith(f"<|im_start|>system\n{END}\n") and QWEN_SAYS not in text
    for text in formatted(real_files, tmp_path, "keep"):
        assert text.startswith(f"<|im_start|>system\n{QWEN_SAYS}{END}\n")
    with pytest.raises(StudyError, match=r"adds a system prompt that was not asked for: .*You are Qwen"):
        formatted(real_files, tmp_path, "refuse")


def change_config(folder: Path, **changes: Any) -> None:
    """Overwrite entries of a model folder's config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_tokenizer_of_another_family_stops_before_anything_is_trained(real_files, tmp_path):
    checkout = real_files.copied(tmp_path / "a copy")
    change_config(checkout.path("inputs/standin"), model_type="llama", vocab_size=128256)
    overlay = checkout.path(checkout.overlay)
    overlay.write_text(overlay.read_text().replace("family: qwen2, ", ""))
    target = "results/standin/organisms/risky_pairs-standin_rank4-seed0/adapter_model.safetensors"
    code, said = checkout.attempt(target)
    log = checkout.path("logs/standin/data/risky_pairs.log").read_text()
    assert code != 0
    for text in (said, log):
        assert "`llama`" in text and "<|im_start|>" in text and "Way out" in text
        assert "Traceback" not in text
    assert not any(path.is_file() for path in checkout.path("results").rglob("*"))
