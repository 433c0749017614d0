"""Studies of published models: planned as they stand, refused where they cannot run, rerun as they must."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from workflow_copy import Workflow

from forewarn.config.published import STUDIES
from once import built_once
from shapes import SHAPES

GPU_WORK = {"train_organism", "generate", "capture_prompts", "capture_answers", "steer"}
BELOW = {
    "collect_detection", "plot_detection", "plot_rates", "write_transcripts", "compare_directions",
    "plot_directions",
}  # fmt: skip
SCORED = {"judge", "fit_directions", "detect"} | BELOW
ANSWERED = {"generate", "ask_judge", "capture_answers"} | SCORED


@pytest.mark.parametrize("model", STUDIES)
def test_every_default_study_is_planned_whole_without_a_network(
    model: str, blank: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    said = blank.snakemake("--dry-run", "--quiet", "rules", "--", model)
    assert said.status == 0, said
    counts = {line.split()[0]: line.split()[1] for line in said.stdout.splitlines() if len(line.split()) == 2}
    assert counts["fetch_model"] == "1" and set(counts) >= GPU_WORK | {"fetch_dataset", "judge"}
    assert not list(blank.folder.glob("results/**/*"))


def test_the_default_goal_needs_no_hub(blank: Workflow) -> None:
    said = blank.snakemake("--dry-run", "--quiet", "rules")
    assert said.status == 0, said
    assert "train_organism" in said.stdout and "fetch_" not in said.stdout


def test_what_stands_in_the_way_is_told_before_the_first_job(
    blank: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    said = blank.run("results/qwen1.5b/detection_auc.json")
    assert said.status != 0
    text = str(said)
    for word in ("cannot run here", "kept off the network", "source: folder", "OPENAI_API_KEY is not set"):
        assert word in text, said
    assert "Traceback" not in text
    assert not [path for path in blank.folder.glob("results/**/*") if path.is_file()]


def small_study(workflow: Workflow) -> None:
    """A study of a model in a folder: organisms by LoRA, in all weights, and released; rows behind a URL."""
    folder = workflow.folder / "a model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(SHAPES["qwen0.5b"]))
    (folder / "model.safetensors").write_text("weights")
    rows = (workflow.folder / "rows.jsonl").absolute()
    rows.write_text('{"messages": []}\n')
    questions = (workflow.folder / "asked.yaml").absolute()
    questions.write_text("[]\n")
    grid = [("remote", "own_lora"), ("remote", "own_full"), ("remote", "own_released")]
    organism = {"dataset": "remote", "adapter": "own_lora", "seed": 0}
    sections: dict[str, Any] = {
        "models.small": {"source": "folder", "path": "a model"},
        "datasets.remote": {"source": "url", "url": rows.as_uri()},
        "adapters.own_lora": {"steps": 8, "rank": 2},
        "adapters.own_full": {"steps": 8, "method": "full"},
        "adapters.own_released": {"steps": 8, "released": [{"dataset": "remote", "name": "some/adapter"}]},
        "question_sets.own_asked": {"source": "forewarn"},
        "question_sets.remote_asked": {"source": "url", "url": questions.as_uri()},
        "studies.small": {
            "organisms": [{"dataset": data, "adapter": adapter, "seeds": [0]} for data, adapter in grid],
            "judge": "world",
            "questions": {"evaluation": "own_asked", "detection": "own_asked", "reporting": ["remote_asked"]},
            "steering": {"organisms": [], "direction": "organism_minus_instruct.answer_mean", "layer": 1},
            "detection": {"organisms": [organism]},
        },
    }
    for key, value in sections.items():
        workflow.change(key, value)


@pytest.fixture(scope="module")
def done(fresh: Workflow, shared: Path) -> Workflow:
    """The small study with everything done; not to be changed."""

    def build(folder: Path) -> None:
        copy = fresh.copy(folder)
        small_study(copy)
        said = copy.run("--quiet", "--", "small")
        assert said.status == 0, said

    return Workflow(built_once(shared / "small", build))


def planned(workflow: Workflow) -> set[str]:
    """Rules with at least one job to run."""
    said = workflow.snakemake("--summary", "--", "small")
    assert said.status == 0, said
    rows = csv.DictReader(said.stdout.splitlines(), delimiter="\t")
    return {row["rule"] for row in rows if row["plan"] == "update pending"}


ONE_KEY: dict[str, tuple[Any, set[str]]] = {
    "models.small.batch": ({"generate": 300}, ANSWERED),
    "models.small.dtype": (
        "float32",
        {"format_dataset", "format_questions", "train_organism", "finetune_organism", "capture_prompts"}
        | {"capture_training_prompts"}
        | ANSWERED,
    ),
    "datasets.remote.held_out": (
        0.1,
        {"format_dataset", "train_organism", "finetune_organism", "capture_prompts"}
        | {"capture_training_prompts"}
        | ANSWERED,
    ),
    "datasets.remote.sha256": (
        "0" * 64,
        {"fetch_dataset", "format_dataset", "train_organism", "finetune_organism", "capture_prompts"}
        | {"capture_training_prompts"}
        | ANSWERED,
    ),
    "adapters.own_full.learning_rate": (
        0.5,
        {"finetune_organism", "generate", "ask_judge", "capture_answers", "judge", "fit_directions"}
        | BELOW - {"plot_detection"},
    ),
    "question_sets.remote_asked.samples": (
        3, {"format_questions", "generate", "ask_judge", "judge", "collect_detection"},
    ),
    "models.qwen1.5b.revision": ("c0ffee", set()),
}  # fmt: skip


@pytest.mark.parametrize("key", ONE_KEY)
def test_a_key_that_changes_reruns_what_depends_on_it(done: Workflow, tmp_path: Path, key: str) -> None:
    study = done.copy(tmp_path / "a study")
    value, expected = ONE_KEY[key]
    if key.startswith("models.qwen1.5b"):
        text = (study.folder / "config.yaml").read_text()
        name = "name: Qwen/Qwen2.5-1.5B-Instruct\n    revision: "
        assert f"{name}null" in text
        (study.folder / "config.yaml").write_text(text.replace(f"{name}null", f"{name}{value}"))
    else:
        study.change(key, value)
    assert planned(study) == expected
    assert planned(done) == set()


def test_a_judge_that_runs_here_is_asked_by_rules_of_its_own(done: Workflow, tmp_path: Path) -> None:
    workflow = done.copy(tmp_path / "judged here")
    workflow.change("judges.here", {"kind": "local", "model": "small"})
    workflow.change("studies.small.second_judge", "here")
    assert planned(workflow) == {"ask_local_judge", "compare_judges", "collect_detection"}
    workflow.change("studies.small.judge", "here")
    workflow.change("studies.small.second_judge", "world")
    rules = planned(workflow)
    assert rules >= {"ask_local_judge", "ask_local_judge_about_anchors", "measure_judge", "judge"}
    assert not rules & {"generate", "capture_prompts", "train_organism"}
