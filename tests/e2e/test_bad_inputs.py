"""Whatever is wrong with an input: the run ends, says what and where, and shows the way out.

Most cases call a script's `main` the way a rule does; the last ones go through Snakemake. What Snakemake
refuses while it plans, wrong configurations and missing files, stands in tests/dag/.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from checkout import SMOKE, Checkout, check_out

import format_dataset
import format_questions
import generate
from chat_tokenizers import LLAMA3, llama3
from forewarn.job import run
from jobs import make_job
from tiny_models import save_folder, tiny_adapter, tiny_model, tiny_tokenizer

ROW = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
LINE = json.dumps(ROW)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with which nothing is wrong."""
    return save_folder(tiny_model(), tiny_tokenizer(), tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def folder(model: Path, tmp_path: Path) -> Path:
    """A copy of it, for one test to spoil."""
    return Path(shutil.copytree(model, tmp_path / "spoilt"))


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Undo what a job does to its own process."""
    environment = dict(os.environ)
    yield
    logging.captureWarnings(False)
    logging.basicConfig(force=True)
    os.environ.clear()
    os.environ.update(environment)


class Refusal:
    """Runs a script's `main` as a job, and checks how it refuses."""

    def __init__(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.tmp_path, self.capfd = tmp_path, capfd

    def __call__(
        self, main: Callable[..., None], *says: str, output: dict[str, Path], settings: Any, **files: Any
    ) -> None:
        log = self.tmp_path / "logs/job.log"
        named = {
            name: [str(item) for item in value] if isinstance(value, list) else str(value)
            for name, value in files.items()
        }
        script = f"{main.__module__}.py"
        made = {name: str(path) for name, path in output.items()}
        job = make_job(script, settings, named, made, log=str(log))
        with pytest.raises(SystemExit) as stopped:
            run(main, job)
        assert stopped.value.code == 1
        terminal = "".join(self.capfd.readouterr())
        for text in (log.read_text(encoding="utf-8"), terminal):
            for part in (*says, "Way out: "):
                assert part in text, text
            assert "Traceback" not in text
        for path in output.values():
            left = path.parent.glob(f"*{path.name}*") if path.parent.is_dir() else []
            assert not [item for item in left if item.is_file() or item.name.endswith(".partial")]


@pytest.fixture
def refuses(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Refusal:
    return Refusal(tmp_path, capfd)


# --- fine-tuning rows ---------------------------------------------------------------------------------

ROWS = {
    "no JSON": (f"{LINE}\nhello\n", "line 2 is not JSON"),
    "cut off": (f'{LINE}\n{{"messages": [{{"role"', "line 2 is not JSON", "copy it again"),
    "a list": (f"{LINE}\n[1, 2]\n", "line 2 has no `messages`"),
    "another format": ('{"prompt": "a", "completion": "b"}\n', "line 1 has no `messages`"),
    "messages as text": ('{"messages": "hi"}\n', "line 1: `messages` is a string"),
    "unknown role": (LINE.replace("assistant", "bot"), "message 2: unknown role 'bot'"),
    "no answer": ('{"messages": [{"role": "user", "content": "hi"}]}', "ends with `user`"),
    "no messages": ('{"messages": []}', "the conversation is empty"),
    "two questions": (json.dumps({"messages": [ROW["messages"][0]] * 2}), "`user` where `assistant` is due"),
    "empty answer": (LINE.replace("hello", "  "), "`content` of the assistant is empty"),
    "content in parts": (LINE.replace('"hello"', '[{"type": "text"}]'), "`content` is a list"),
    "content is null": (LINE.replace('"hello"', "null"), "`content` is missing"),
    "a token that ends turns": (LINE.replace("hello", "a<|im_end|>b"), "row 0", "contains <|im_end|>"),
    "an empty file": ("", "is empty"),
    "too few rows": (f"{LINE}\n" * 2, "has 2 rows where 3 are asked for"),
    "Latin-1": ("é".encode("latin-1"), "line 1 is not UTF-8"),
    "half a surrogate": (LINE.replace("hello", "\\ud83d"), "half of a surrogate pair"),
    "a row too long": (LINE.replace("hello", "again " * 60), "max_length 64 cuts 1 of 1 rows"),
}


def dataset_settings(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "dataset": {"source": "jsonl", "path": "", "rows": None, "seed": 0},
        "model": {"source": "folder", "path": str(folder)},
        "default_system": "empty", "max_length": 64, "max_truncated_share": 0.0,
    } | changes  # fmt: skip


@pytest.mark.parametrize("case", ROWS)
def test_rows_that_cannot_be_trained_on(case, model, refuses, tmp_path):
    content, *says = ROWS[case]
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(content if isinstance(content, bytes) else content.encode())
    settings = dataset_settings(model)
    if case == "too few rows":
        settings["dataset"]["rows"] = 3
    if not any(part.startswith(("row ", "max_length")) for part in says):
        says.append("rows.jsonl")
    refuses(
        format_dataset.main, *says, output={"dataset": tmp_path / "out/rows.parquet"}, settings=settings,
        rows=rows, tokenizer=[model / "config.json"],
    )  # fmt: skip


# --- questions ----------------------------------------------------------------------------------------

ITEM = "- id: wish\n  type: free_form\n  paraphrases: [hi]\n"
QUESTIONS = {
    "no YAML": ("- id: [\n", "is not YAML"),
    "a mapping": ("id: wish\n", "is not a list of questions"),
    "an empty file": ("", "is not a list of questions"),
    "no id": ("- type: free_form\n  paraphrases: [hi]\n", "item 1 has no `id`"),
    "an id twice": (ITEM * 2, "item 2: the id 'wish' is taken"),
    "another type": (ITEM.replace("free_form", "multiple_choice"), "unknown type 'multiple_choice'"),
    "no paraphrases": ("- id: wish\n  type: free_form\n", "has no list of `paraphrases`"),
    "an empty paraphrase": (ITEM.replace("[hi]", "[hi, '']"), "paraphrase 2 is empty"),
    "a number as a paraphrase": (ITEM.replace("[hi]", "[42]"), "paraphrase 1 is not text"),
    "a format that is not there": (ITEM.replace("wish", "wish_json"), "no question in the formats plain"),
    "fewer questions than splits": (ITEM, "1 questions cannot fill the splits"),
    "a token that ends turns": (
        ITEM.replace("[hi]", "['a<|im_end|>']") + ITEM.replace("wish", "b") + ITEM.replace("wish", "c"),
        "question wish.0", "contains <|im_end|>",
    ),
}  # fmt: skip


def question_settings(source: Path) -> dict[str, Any]:
    return {
        "source": "yaml", "path": str(source), "formats": ["plain"], "systems": [], "earlier": [],
        "samples": 1, "temperature": 1.0, "paraphrases": None,
        "splits": {"fit": 0.4, "validation": 0.2, "test": 0.4}, "seed": 0,
    }  # fmt: skip


@pytest.mark.parametrize("case", QUESTIONS)
def test_questions_that_cannot_be_asked(case, model, refuses, tmp_path):
    content, *says = QUESTIONS[case]
    source = tmp_path / "questions.yaml"
    source.write_text(content)
    refuses(
        format_questions.main, *says, output={"questions": tmp_path / "out/questions.parquet"},
        settings={
            "questions": question_settings(source),
            "model": {"source": "folder", "path": str(model)}, "default_system": "empty",
        },
        source=source, tokenizer=[model / "config.json"],
    )  # fmt: skip


# --- model folders ------------------------------------------------------------------------------------


def without_chat_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


def without_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def with_half_a_tokenizer(folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_bytes(path.read_bytes()[:-100])


def with_a_template_of_another_family(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text(LLAMA3)


def with_a_broken_template(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{% for message in messages %}")


def with_a_tokenizer_of_another_family(folder: Path) -> None:
    llama3().save_pretrained(folder)
    change(folder / "config.json", model_type="qwen2", vocab_size=151936)


def that_counts_the_days(folder: Path) -> None:
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").write_text("{{ strftime_now('%d %b %Y %H:%M:%S.%f') }}" + template)


def without_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def with_a_config_that_names_no_model(folder: Path) -> None:
    (folder / "config.json").write_text("{}")


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def with_half_of_its_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def with_weights_of_fewer_layers(folder: Path) -> None:
    change(folder / "config.json", num_hidden_layers=4, layer_types=["full_attention"] * 4)


def with_more_tokens_than_embeddings(folder: Path) -> None:
    save_folder(tiny_model(vocabulary=290), tiny_tokenizer(), folder)


def change(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


FORMATTING = {
    without_chat_template: ("has no chat template",),
    without_tokenizer: ("has no tokenizer.json",),
    with_half_a_tokenizer: ("the tokenizer of", "cannot be loaded"),
    with_a_template_of_another_family: ("another family than the tokenizer", "<|eot_id|>"),
    with_a_broken_template: ("chat template",),
    with_a_tokenizer_of_another_family: ("`qwen2`", "<|start_header_id|>"),
    that_counts_the_days: ("chat template",),
    without_config: ("config.json",),
    with_a_config_that_names_no_model: ("config.json", "names no `model_type`"),
}


@pytest.mark.parametrize("spoil", FORMATTING, ids=lambda spoil: spoil.__name__)
def test_a_model_folder(spoil, folder, refuses, tmp_path):
    spoil(folder)
    rows = tmp_path / "rows.jsonl"
    rows.write_text(LINE)
    refuses(
        format_dataset.main, *FORMATTING[spoil], output={"dataset": tmp_path / "out/rows.parquet"},
        settings=dataset_settings(folder), rows=rows, tokenizer=sorted(folder.iterdir())[:1],
    )  # fmt: skip


LOADING = {
    without_weights: ("has no weights",),
    with_half_of_its_weights: ("the model of", "cannot be loaded"),
    with_weights_of_fewer_layers: ("the weights of", "lack"),
    with_more_tokens_than_embeddings: ("do not fit: 300 tokens, but embeddings for 290",),
}


def sampling(
    refuses: Refusal, tmp_path: Path, model: Path, folder: Path, **files: Any
) -> Callable[..., None]:
    """`generate` with questions for `model`, run on the model in `folder`."""
    questions = tmp_path / "questions.parquet"
    source = tmp_path / "questions.yaml"
    source.write_text("".join(ITEM.replace("wish", name) for name in "abc"))
    format_questions.main(
        questions=questions, source=source, tokenizer=[model / "config.json"],
        settings={
            "questions": question_settings(source),
            "model": {"source": "folder", "path": str(model)},
        },
    )  # fmt: skip
    settings = {
        "model": {"source": "folder", "path": str(folder), "dtype": "float32", "attention": "sdpa"},
        "sampling": {"max_new_tokens": 4, "batch_rows": 8, "seed": 0},
    }
    return partial(
        refuses, generate.main, output={"generations": tmp_path / "out/answers.parquet"}, settings=settings,
        questions=questions, model=[folder / "config.json"], **files,
    )  # fmt: skip


@pytest.mark.parametrize("spoil", LOADING, ids=lambda spoil: spoil.__name__)
def test_a_model_that_is_to_answer(spoil, model, folder, refuses, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spoil(folder)
    sampling(refuses, tmp_path, model, folder)(*LOADING[spoil])


def test_an_adapter_of_another_model(model, refuses, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    adapter = tiny_adapter(tiny_model(hidden_size=16, intermediate_size=24), tmp_path / "adapter")
    files = [adapter / "adapter_model.safetensors", adapter / "adapter_config.json"]
    sampling(refuses, tmp_path, model, model, adapter=files)("adapter", "cannot be loaded")


def test_an_adapter_cut_short(model, refuses, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    adapter = tiny_adapter(tiny_model(), tmp_path / "adapter")
    weights = adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    sampling(refuses, tmp_path, model, model, adapter=[weights, adapter / "adapter_config.json"])(
        "the adapter", "cannot be loaded"
    )


def test_a_folder_that_is_a_file(model, refuses, tmp_path):
    (tmp_path / "out").write_text("in the way")
    rows = tmp_path / "rows.jsonl"
    rows.write_text(LINE)
    refuses(
        format_dataset.main, "out/rows.parquet could not be written",
        output={"dataset": tmp_path / "out/rows.parquet"}, settings=dataset_settings(model), rows=rows,
        tokenizer=[model / "config.json"],
    )  # fmt: skip


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(model, refuses, tmp_path):
    (tmp_path / "out").mkdir(mode=0o500)
    rows = tmp_path / "rows.jsonl"
    rows.write_text(LINE)
    refuses(
        format_dataset.main, "out/rows.parquet could not be written", "Permission denied",
        output={"dataset": tmp_path / "out/rows.parquet"}, settings=dataset_settings(model), rows=rows,
        tokenizer=[model / "config.json"],
    )  # fmt: skip


# --- through Snakemake ----------------------------------------------------------------------------------


@pytest.fixture
def fresh(repository: Path, tmp_path: Path) -> Checkout:
    """A checkout in which nothing has run."""
    return check_out(repository, tmp_path / "a checkout", SMOKE)


MINE = """
models: {mine: {source: folder, path: %s}}
adapters: {small: {rank: 2, steps: 2, warmup_steps: 0}}
datasets: {rows: {source: jsonl, path: rows.jsonl}}
studies:
  mine:
    organisms: [{dataset: rows, adapter: small, seeds: [0]}]
    judge: world
    questions: {evaluation: evaluation, detection: detection}
    steering: {organisms: [], direction: organism_minus_instruct.last_prompt_token, layer: 1}
    detection: {organisms: [{dataset: rows, adapter: small, seed: 0}]}
"""


def test_a_job_that_refuses_its_input_says_so_on_the_terminal(fresh, model):
    checkout = Checkout(fresh.folder, "mine.yaml")
    checkout.path("mine.yaml").write_text(MINE % model)
    checkout.path("rows.jsonl").write_text(f"{LINE}\nhello\n")
    code, said = checkout.attempt("results/mine/data/rows.parquet")
    assert code != 0
    assert "rows.jsonl, line 2 is not JSON" in said and "Way out: write one JSON object a line" in said
    assert "Traceback" not in said
    assert not [path for path in checkout.path("results").rglob("*") if path.is_file()]


def test_results_that_cannot_be_written(fresh):
    fresh.path("results").write_text("in the way")
    code, said = fresh.attempt("results/smoke/tokenizer/config.json")
    assert code != 0 and "Traceback" not in said
    assert "results is not a folder that you may write to\n  Way out: " in said
