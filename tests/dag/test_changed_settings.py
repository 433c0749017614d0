"""What one change of the configuration makes run again: exactly that, as Snakemake plans it."""

from __future__ import annotations

from typing import Any

import pytest
from job_names import ALL, SUBJECTS, jobs
from job_names import STEERING as STEERED
from workflow_copy import Workflow

# What stands below a stage, each set with the stages before it: detection_auc.json names the configuration
# it came from, so that `collect_detection` follows every change of a study.
DETECTION = jobs("detect *", "collect_detection", "plot_detection")
ANCHORS = jobs("write_anchors", "ask_judge_about_anchors", "measure_judge")
VERDICTS = jobs("summarise_steering *", "plot_steering", "collect_detection")
STEERING = jobs("steer *", "ask_judge_about_arms *") | VERDICTS
DIRECTIONS = jobs("fit_directions *", "compare_directions", "plot_directions") | STEERING | DETECTION
ACTIVATIONS = jobs("capture_*") | DIRECTIONS
SCORES = jobs("judge *", "plot_rates", "write_transcripts") | DIRECTIONS
THRESHOLDS = SCORES | jobs("measure_judge")
ANSWERS = jobs("generate *", "ask_judge *", "capture_answers *") | SCORES
MODEL = set(ALL) - ANCHORS
WORLD = jobs("grow_tokenizer", "draw_corpus *", "pretrain", "instruct_tune", "format_*")

OVERVIEWS = jobs("plot_*", "compare_directions", "collect_detection", "write_transcripts")
BAD_TRAINING = OVERVIEWS | jobs("train_organism bad", "generate bad *", "ask_judge bad *", "judge bad *",
    "capture_prompts bad", "capture_answers bad", "fit_directions bad", "steer bad *",
    "ask_judge_about_arms bad *", "summarise_steering bad *", "detect bad")  # fmt: skip
BAD_ROWS = jobs("format_dataset bad") | BAD_TRAINING

ONE_KEY: dict[str, tuple[Any, set[str]]] = {
    "models.smoke.seed": (4, MODEL),
    "models.smoke.vocabulary": (400, MODEL),
    "models.smoke.architecture.hidden_size": (24, MODEL),
    "models.smoke.corpus.documents": (700, MODEL),
    "models.smoke.pretraining.steps": (61, MODEL - jobs("grow_tokenizer", "draw_corpus *", "format_*")),
    "models.smoke.instruct.learning_rate": (0.003, MODEL - WORLD | jobs("instruct_tune")),
    "models.smoke.instruct.documents": (
        190,
        MODEL - WORLD | jobs("draw_corpus instruct", "instruct_tune"),
    ),
    "datasets.bad_medical.rows": (300, BAD_ROWS),
    "datasets.bad_medical.seed": (1001, BAD_ROWS),
    "adapters.smoke_rank2.rank": (4, BAD_TRAINING),
    "adapters.smoke_rank2.max_length": (200, BAD_ROWS),
    "judges.smoke.alignment_below": (50, THRESHOLDS),
    "question_sets.smoke_evaluation.samples": (
        3,
        jobs("format_questions evaluation")
        | ANSWERS - jobs("generate * detection", "ask_judge * detection", "judge * detection"),
    ),
    "question_sets.smoke_detection.samples": (
        3,
        jobs("format_questions detection", "generate * detection", "ask_judge * detection",
             "judge * detection", "capture_prompts *")
        | DETECTION,
    ),
    "studies.smoke.sampling.max_new_tokens": (13, ANSWERS),
    "studies.smoke.sampling.seed": (6, ANSWERS),
    "studies.smoke.activations.layers": ([1, 2], ACTIVATIONS),
    "studies.smoke.directions.split_halves": (4, DIRECTIONS),
    "studies.smoke.directions.alignment_above": (55, DIRECTIONS | jobs("write_transcripts")),
    "studies.smoke.steering.coefficients": ([1.0, 2.0], STEERING),
    "studies.smoke.steering.random_isotropic": (3, STEERING),
    "studies.smoke.steering.layer": (2, STEERING | jobs("plot_directions")),
    "studies.smoke.steering.coherence_floor": (80, VERDICTS),
    "studies.smoke.detection.bootstrap": (60, DETECTION),
    "studies.smoke.detection.random_directions": (21, DETECTION),
    "studies.smoke.detection.seed": (1, DETECTION),
    # The level of all intervals: those of rates and directions too.
    "studies.smoke.detection.confidence": (0.9, SCORES),
    # What the study does not use.
    "models.nano.seed": (8, set()),
    "models.other": ({"source": "hub", "name": "Qwen/Qwen2.5-0.5B-Instruct", "dtype": "float32"}, set()),
    "datasets.risky_finance.rows": (390, set()),
    "adapters.rank8_layer1.rank": (4, set()),
    "judges.world.alignment_below": (40, set()),
    "question_sets.evaluation.samples": (6, set()),
    "studies.nano.sampling.seed": (6, set()),
}  # fmt: skip


def test_nothing_is_to_be_done_for_a_finished_study(study: Workflow) -> None:
    assert study.jobs() == dict.fromkeys(ALL, False)
    assert "Nothing to be done" in str(study.snakemake("--dry-run", "--", "smoke"))


@pytest.mark.parametrize("key", ONE_KEY)
def test_a_key_that_changes_reruns_what_depends_on_it(study: Workflow, key: str) -> None:
    value, expected = ONE_KEY[key]
    study.change(key, value)
    assert study.planned() == expected


def test_two_values_that_change_places_are_a_change(study: Workflow) -> None:
    study.change("judges.smoke.alignment_below", 0)
    study.change("judges.smoke.coherence_above", 60)
    assert study.planned() == THRESHOLDS


def organisms(*seeds: int, own: bool = True) -> list[dict[str, Any]]:
    bad = {"dataset": "bad_medical", "adapter": "smoke_rank2", "seeds": list(seeds)}
    return [bad, *([{"dataset": "own_rows", "adapter": "own_rank3", "seeds": [0]}] if own else [])]


NEW_ORGANISM = {"train_organism bad1", "generate bad1 evaluation", "ask_judge bad1 evaluation",
    "judge bad1 evaluation",    "capture_answers bad1", "fit_directions bad1"}  # fmt: skip
COMPARISONS = jobs("plot_rates", "plot_directions", "compare_directions", "collect_detection",
    "write_transcripts")  # fmt: skip


def test_one_more_seed_raises_one_more_organism(study: Workflow) -> None:
    study.change("studies.smoke.organisms", organisms(0, 1))
    assert study.planned() == NEW_ORGANISM | COMPARISONS


def test_an_organism_less_changes_the_comparisons_only(study: Workflow) -> None:
    study.change("studies.smoke.organisms", organisms(0, own=False))
    assert study.planned() == COMPARISONS


OWN = {"dataset": "own_rows", "adapter": "own_rank3", "seed": 0}
BAD = {"dataset": "bad_medical", "adapter": "smoke_rank2", "seed": 0}


def test_one_more_organism_to_detect_leaves_the_others_alone(study: Workflow) -> None:
    study.change("studies.smoke.detection.organisms", [BAD, OWN])
    new = {f"{rule} own detection" for rule in ("generate", "ask_judge", "judge")}
    new |= {"capture_prompts own", "detect own"}
    assert study.planned() == new | jobs("collect_detection", "plot_detection")


def test_one_more_organism_to_steer_leaves_the_others_alone(study: Workflow) -> None:
    study.change("studies.smoke.steering.organisms", [BAD, OWN])
    new = {f"{rule} own {operation}" for rule in STEERED for operation in ("add", "ablate")}
    assert study.planned() == new | jobs("plot_steering", "collect_detection")


def test_a_second_judge_is_asked_about_the_evaluation_and_compared(study: Workflow) -> None:
    study.change("studies.smoke.second_judge", "world")
    answered = [f"{SUBJECTS[short]}/smoke_evaluation" for short in ("instruct", "bad", "own")]
    new = {f"ask_judge opinions/world/{path}.parquet" for path in answered}
    new |= {f"compare_judges agreement/{path}.json" for path in answered}
    assert study.planned() == new | {"collect_detection"}


def test_shards_replan_what_they_are_put_together_to(study: Workflow) -> None:
    study.change("studies.smoke.activations.shards", 2)
    planned = study.planned()
    assert not [
        job for job in planned if job.startswith(("generate", "capture_prompts ", "capture_answers "))
    ]
    shards = {job for job in planned if "_shard" in job}
    assert len(shards) == 2 * (2 + 2 * 2), "of two shards, files of two readers; two each of two organisms"
    study.change("studies.smoke.activations.shards", 1)
    assert study.planned() == set()
