"""What a changed file makes run again: rows of the user, results, scripts, and what only explains."""

from __future__ import annotations

import os
from typing import Any

import pytest
import yaml
from job_names import SUBJECTS, all_but, jobs
from workflow_copy import OVERLAY, Workflow

BAD_ANSWERS = f"results/smoke/generations/{SUBJECTS['bad']}/smoke_evaluation.parquet"
CHANGED = "\nCHANGED = True\n"
STEERING = jobs("steer *", "ask_judge_about_arms *", "summarise_steering *", "plot_steering", "plot_doses",
    "collect_detection")  # fmt: skip
BELOW_JUDGE = STEERING | jobs("fit_directions *", "detect *", "compare_directions", "collect_detection",
    "token_curve *", "write_transcripts", "plot_*")  # fmt: skip


def test_rows_of_the_user_that_change_are_formatted_and_trained_on_again(study: Workflow) -> None:
    study.append("own_rows.jsonl", "{}\n")
    assert study.planned() == jobs("format_dataset own", "train_organism own", "generate own *",
        "ask_judge own *", "judge own *", "capture_answers own", "fit_directions own", "compare_directions",
        "plot_rates", "plot_directions", "write_transcripts")  # fmt: skip


@pytest.mark.parametrize("path", ["own_rows.jsonl", BAD_ANSWERS])
def test_a_file_with_a_new_time_and_its_old_content_is_no_change(study: Workflow, path: str) -> None:
    os.utime(study.folder / path)
    assert study.planned() == set()


def test_a_deleted_intermediate_result_is_not_missed_until_it_is_needed(study: Workflow) -> None:
    (study.folder / BAD_ANSWERS).unlink()
    assert study.planned() == set()
    study.append("scripts/judge.py", CHANGED)
    assert (
        study.planned()
        == jobs("generate bad evaluation", "ask_judge bad evaluation", "judge *", "capture_answers bad")
        | BELOW_JUDGE
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("detection_auc.json", jobs("collect_detection")),
        ("figures/domains.svg", jobs("plot_rates")),
        ("transcripts.html", jobs("write_transcripts")),
    ],
)
def test_a_deleted_final_result_is_made_again_alone(study: Workflow, path: str, expected: set[str]) -> None:
    (study.folder / "results/smoke" / path).unlink()
    assert study.planned() == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("plot_rates.py", jobs("plot_rates")),
        ("token_curve.py", jobs("token_curve *", "plot_token_curve")),
        ("detect.py", jobs("detect *", "collect_detection", "plot_detection")),
        ("judge.py", jobs("judge *") | BELOW_JUDGE),
        ("steer.py", STEERING - jobs("collect_detection")),
        (
            "ask_judge.py",
            jobs("ask_judge *", "ask_judge_about_anchors", "measure_judge", "judge *") | BELOW_JUDGE,
        ),
    ],
)
def test_an_edited_script_reruns_its_rule_and_what_is_below(
    study: Workflow, script: str, expected: set[str]
) -> None:
    study.append(f"scripts/{script}", CHANGED)
    assert study.planned() == expected


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("report/transcripts.py", jobs("write_transcripts")),
        ("detection/evaluation.py", jobs("detect *", "collect_detection", "plot_detection")),
        (
            "judges/world.py",
            jobs("ask_judge *", "ask_judge_about_anchors", "measure_judge", "judge *") | BELOW_JUDGE,
        ),
        (
            "models/load.py",
            all_but("grow_tokenizer", "write_anchors", "ask_judge_about_anchors", "measure_judge"),
        ),
        ("ledger/audit.py", set()),
    ],
)
def test_an_edited_module_reruns_the_rules_that_import_it_and_what_is_below(
    study: Workflow, module: str, expected: set[str]
) -> None:
    study.append(f"scripts/forewarn/{module}", CHANGED)
    assert study.planned() == expected


@pytest.mark.parametrize("path", ["scripts/judge.py", "scripts/forewarn/judges/world.py"])
def test_a_comment_a_docstring_and_the_layout_are_no_change(study: Workflow, path: str) -> None:
    text = (study.folder / path).read_text(encoding="utf-8")
    assert text.startswith('"""')
    changed = '"""Says it otherwise. ' + text[3:].replace("\n\n\n", "\n\n\n\n# a comment\n")
    (study.folder / path).write_text(changed, encoding="utf-8")
    assert study.planned() == set()


@pytest.mark.parametrize(
    "path",
    [
        "rules/report/rates.rst",
        "rules/report/workflow.rst",
        "envs/torch.yaml",
        "profiles/default/profile.yaml",
    ],
)
def test_what_only_explains_or_sets_up_reruns_nothing(study: Workflow, path: str) -> None:
    study.append(path, "\n# changed\n")
    assert study.planned() == set()


def test_rules_that_move_or_say_it_otherwise_rerun_nothing(study: Workflow) -> None:
    for rules in (study.folder / "rules").glob("*.smk"):
        text = rules.read_text(encoding="utf-8")
        changed = "# One more line.\n" + text.replace('message:\n        "', 'message:\n        "Now: ')
        rules.write_text(changed.replace("mem_mb=1000", "mem_mb=1500"), encoding="utf-8")
    assert study.planned() == set()


def backwards(content: Any) -> Any:
    """The same mappings with their keys in reverse order."""
    if isinstance(content, dict):
        return {key: backwards(content[key]) for key in reversed(content)}
    return [backwards(item) for item in content] if isinstance(content, list) else content


def test_comments_and_the_order_of_keys_are_no_change(study: Workflow) -> None:
    for path in (study.folder / "config.yaml", study.folder / OVERLAY):
        content = backwards(yaml.safe_load(path.read_text(encoding="utf-8")))
        path.write_text("# A comment.\n" + yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    assert study.planned() == set()


def test_the_project_may_move(study: Workflow) -> None:
    assert study.copy(study.folder.with_name("moved")).planned() == set()
