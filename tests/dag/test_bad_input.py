"""What a user gets wrong is refused while planning: one message that names it and shows the way out."""

from __future__ import annotations

from typing import Any

import pytest
from workflow_copy import OVERLAY, RESULTS, Said, Workflow

UNKNOWN = [
    ("results/nosuch/detection_auc.json", ["'nosuch'", "smoke"]),
    ("results/nosuch/organisms/bad_medical-smoke_rank2-seed0/adapter_config.json", ["'nosuch'"]),
    (RESULTS + "organisms/bad_medical-other-seed0/training.parquet", ["bad_medical-smoke_rank2-seed0"]),
    (RESULTS + "scores/bad_medical-smoke_rank2-seed7/smoke_evaluation.parquet", ["smoke_rank2-seed7"]),
    (RESULTS + "data/nosuch.parquet", ["nosuch"]),
    (RESULTS + "questions/nosuch.parquet", ["nosuch", "smoke_evaluation"]),
]  # fmt: skip
MISTAKES: list[tuple[str, Any, list[str]]] = [
    ("studies.smoke.sampling.max_new_tokns", 12, ["studies.smoke.sampling.max_new_tokns", "max_new_tokens"]),
    ("adapters.smoke_rank2.rank", "eight", ["adapters.smoke_rank2.rank", "eight"]),
    ("studies.smoke.judge", "smok", ["studies.smoke.judge", "smok"]),
]
MISSING: list[tuple[str, Any, list[str]]] = [
    ("models.smoke", {"source": "folder", "path": "no/model", "dtype": "float32"}, ["no/model"]),
    ("datasets.own_rows.path", "no/rows.jsonl", ["no/rows.jsonl", "datasets"]),
    ("question_sets.smoke_evaluation", {"source": "yaml", "path": "no/questions.yaml"}, ["no/questions"]),
]  # fmt: skip


def assert_refused(said: Said, mentioned: list[str]) -> None:
    assert said.status != 0, said
    assert "Traceback" not in str(said)
    assert str(said).count("Way out: ") == 1, said
    assert [text for text in mentioned if text not in str(said)] == [], said


@pytest.mark.parametrize(("target", "mentioned"), UNKNOWN, ids=[target for target, _ in UNKNOWN])
def test_a_path_of_something_unknown_is_refused(blank: Workflow, target: str, mentioned: list[str]) -> None:
    assert_refused(blank.snakemake("--dry-run", "--", target), mentioned)


@pytest.mark.parametrize(("key", "value", "mentioned"), MISTAKES, ids=[key for key, *_ in MISTAKES])
def test_a_mistake_in_the_configuration_is_refused(
    blank: Workflow, key: str, value: Any, mentioned: list[str]
) -> None:
    blank.change(key, value)
    assert_refused(blank.snakemake("--dry-run", "--", "smoke"), [OVERLAY, *mentioned])


@pytest.mark.parametrize(("key", "value", "mentioned"), MISSING, ids=[key for key, *_ in MISSING])
@pytest.mark.parametrize("state", ["blank", "study"])
def test_a_file_of_the_user_that_is_missing_is_refused(
    request: pytest.FixtureRequest, state: str, key: str, value: Any, mentioned: list[str]
) -> None:
    # Also where results of an earlier file are there: Snakemake would take them for sources, and go on.
    workflow: Workflow = request.getfixturevalue(state)
    workflow.change(key, value)
    assert_refused(workflow.snakemake("--dry-run", "--", "smoke"), mentioned)


@pytest.mark.parametrize(
    ("text", "mentioned"),
    [("models:\n  nano: [1, 2\ndatasets: 1\n", ["line 3"]), ("models: {}\nmodels: {}\n", ["line 2"])],
    ids=["no YAML", "a key twice"],
)
def test_a_broken_configuration_file_is_refused(blank: Workflow, text: str, mentioned: list[str]) -> None:
    (blank.folder / "config.yaml").write_text(text, encoding="utf-8")
    assert_refused(blank.snakemake("--dry-run", "--", "smoke"), ["config.yaml", *mentioned])


def test_a_key_that_stands_twice_in_an_overlay_is_refused(blank: Workflow) -> None:
    blank.append(OVERLAY, "judges: {}\n")
    assert_refused(blank.snakemake("--dry-run", "--", "smoke"), [OVERLAY, "the key judges stands here again"])


def test_a_broken_overlay_is_refused(blank: Workflow) -> None:
    # Snakemake reads it before it reads the workflow, and so has the word.
    (blank.folder / "broken.yaml").write_text("studies: {smoke: [\n", encoding="utf-8")
    said = blank.snakemake("--dry-run", "--", "smoke", overlays=(OVERLAY, "broken.yaml"))
    assert said.status != 0
    assert "Config file is not valid JSON or YAML" in str(said)
    assert "Traceback" not in str(said)
