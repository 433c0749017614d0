"""The two scripts as their rules call them: from files to files, for the model itself and an organism."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pyarrow as pa
import pytest

from forewarn.files import read_table, write_table
from tiny_models import SENTENCES, chat, save_folder, tiny_adapter, tiny_model, tiny_tokenizer

MODEL = {"source": "folder", "dtype": "float32", "attention": "sdpa"}


@pytest.fixture(scope="module")
def scripts(repository):
    mains = {}
    for name in ["generate", "capture_activations"]:
        spec = importlib.util.spec_from_file_location(f"script_{name}", repository / "scripts" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        mains[name] = module.main
    return mains


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A model folder, an adapter and a question set, in the working directory of a study."""
    monkeypatch.chdir(tmp_path)
    model, tokenizer = tiny_model("qwen2_sliding"), tiny_tokenizer()
    files = sorted(save_folder(model, tokenizer, tmp_path / "instruct").iterdir())
    adapter = tiny_adapter(model, tmp_path / "organism")
    questions = pa.table(
        {
            "question_id": ["a", "b", "c"],
            "split": ["fit", "test", "test"],
            "prompt": SENTENCES[:3],
            "token_ids": pa.array([chat(tokenizer, text) for text in SENTENCES[:3]], pa.list_(pa.int32())),
            "samples": pa.array([2, 3, 1], pa.int32()),
            "temperature": pa.array([1.0, 1.0, 0.0], pa.float32()),
        }
    )
    write_table(tmp_path / "questions.parquet", questions)
    return tmp_path, files, [adapter / "adapter_model.safetensors", adapter / "adapter_config.json"]


def test_generate_then_read(scripts, study):
    folder, model, adapter = study
    questions, generations = folder / "questions.parquet", folder / "generations.parquet"
    settings = {"model": MODEL, "sampling": {"max_new_tokens": 6, "batch_rows": 4, "seed": 1}}
    scripts["generate"](questions=questions, model=model, generations=generations, settings=settings)
    first = generations.read_bytes()
    scripts["generate"](questions=questions, model=model, generations=generations, settings=settings)
    assert generations.read_bytes() == first
    responses = read_table(generations)
    assert responses["question_id"].to_pylist() == ["a", "a", "b", "b", "b", "c"]

    organism = folder / "organism.parquet"
    scripts["generate"](
        questions=questions, model=model, adapter=adapter, generations=organism, settings=settings
    )
    assert read_table(organism)["token_ids"].to_pylist() != responses["token_ids"].to_pylist()
    assert not list((folder / ".forewarn").rglob("*.parquet"))  # finished jobs leave no checkpoints

    activations = folder / "activations.parquet"
    scripts["capture_activations"](
        questions=questions, generations=generations, model=model, adapter=adapter, activations=activations,
        settings={"model": MODEL, "layers": "all", "batch_rows": 2, "splits": ["test"]},
    )  # fmt: skip
    table = read_table(activations)
    assert table["position"].to_pylist().count("last_prompt_token") == 2
    assert set(table["question_id"].to_pylist()) == {"b", "c"}

    scripts["capture_activations"](
        questions=questions, model=model, activations=activations,
        settings={"model": MODEL, "layers": [0], "batch_rows": 8},
    )  # fmt: skip
    prompts = read_table(activations)
    assert prompts["sample"].to_pylist() == [-1, -1, -1]


def test_one_job_reads_the_same_answers_with_and_without_the_adapter(scripts, study):
    folder, model, adapter = study
    questions, generations = folder / "questions.parquet", folder / "generations.parquet"
    settings = {"model": MODEL, "sampling": {"max_new_tokens": 6, "batch_rows": 4, "seed": 1}}
    scripts["generate"](questions=questions, model=model, generations=generations, settings=settings)

    def read(**paths):
        settings = {"model": MODEL, "layers": "all", "batch_rows": 2}
        text = {"questions": questions, "generations": generations, "model": model}
        scripts["capture_activations"](**text, **paths, settings=settings)

    paths = {name: folder / f"{name}.parquet" for name in ["organism", "instruct", "alone"]}
    read(activations=paths["organism"], instruct_activations=paths["instruct"], adapter=adapter)
    read(activations=paths["alone"])
    assert paths["instruct"].read_bytes() == paths["alone"].read_bytes()
    assert paths["instruct"].read_bytes() != paths["organism"].read_bytes()


@pytest.mark.parametrize("script", ["generate", "capture_activations"])
def test_a_script_is_read_without_importing_torch(script, repository):
    code = f"import runpy, sys; runpy.run_path('scripts/{script}.py'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=repository, check=False).returncode == 0


def test_loading_a_tokenizer_does_not_import_torch(repository, study):
    folder, _, _ = study
    code = (
        "import sys; from pathlib import Path; from forewarn.models.load import load_tokenizer;"
        f"load_tokenizer(Path({str(folder / 'instruct')!r})); sys.exit('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=repository / "scripts", check=False)
    assert run.returncode == 0
