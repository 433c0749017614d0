"""What one change of the configuration makes run again: exactly that, as Snakemake plans it."""

from __future__ import annotations

from typing import Any

import pytest
from job_names import ALL, FURTHER, SUBJECTS, TESTED, jobs
from job_names import STEERING as STEERED
from workflow_copy import Workflow

# What stands below a stage, each set with the stages before it: detection_auc.json names the configuration
# it came from, so that `collect_detection` follows every change of a study.
DETECTION = jobs("detect *", "collect_detection", "plot_detection")
CURVE = jobs("token_curve *", "plot_token_curve")
ANCHORS = jobs("write_anchors", "ask_judge_about_anchors", "measure_judge")
VERDICTS = jobs("summarise_steering *", "plot_steering", "plot_doses", "collect_detection")
STEERING = jobs("steer *", "ask_judge_about_arms *") | VERDICTS


def steering(*operations: str) -> set[str]:
    """The experiments of some operations, with what is drawn and collected of them."""
    figures = {"plot_steering"} if set(operations) & set(TESTED) else set()
    figures |= {"plot_doses"} if set(operations) & set(FURTHER) else set()
    every = {f"{rule} bad {operation}" for rule in STEERED for operation in operations}
    return every | figures | {"collect_detection"}


DIRECTIONS = jobs("fit_directions *", "compare_directions", "plot_directions") | STEERING | DETECTION | CURVE
ACTIVATIONS = jobs("capture_*") - jobs("capture_prefixes *") | DIRECTIONS
SCORES = jobs("judge *", "plot_rates", "write_transcripts") | DIRECTIONS
THRESHOLDS = SCORES | jobs("measure_judge")
ANSWERS = jobs("generate *", "ask_judge *", "capture_answers *", "capture_prefixes *") | SCORES
MODEL = set(ALL) - ANCHORS
WORLD = jobs("grow_tokenizer", "draw_corpus *", "pretrain", "instruct_tune", "format_*")

OVERVIEWS = jobs("plot_*", "compare_directions", "collect_detection", "write_transcripts")
BAD_TRAINING = OVERVIEWS | jobs("train_organism bad", "generate bad *", "ask_judge bad *", "judge bad *",
    "capture_prompts bad", "capture_answers bad", "fit_directions bad", "steer bad *",
    "ask_judge_about_arms bad *", "summarise_steering bad *", "detect bad", "capture_prefixes bad",
    "token_curve bad")  # fmt: skip
BAD_ROWS = jobs("format_dataset bad", "capture_training_prompts bad") | BAD_TRAINING

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
        | ANSWERS - jobs("* detection", "capture_prefixes *"),
    ),
    "question_sets.smoke_detection.samples": (
        3,
        jobs("format_questions detection", "generate * detection", "ask_judge * detection",
             "judge * detection", "capture_prompts *", "capture_prefixes *")
        | DETECTION | CURVE,
    ),
    "studies.smoke.sampling.max_new_tokens": (13, ANSWERS),
    "studies.smoke.sampling.seed": (6, ANSWERS),
    "studies.smoke.activations.layers": ([1, 2], ACTIVATIONS),
    "studies.smoke.activations.training_prompts": (3, jobs("capture_training_prompts *") | DETECTION),
    "studies.smoke.directions.split_halves": (4, DIRECTIONS),
    "studies.smoke.directions.alignment_above": (55, DIRECTIONS | jobs("write_transcripts")),
    "studies.smoke.steering.coefficients": ([1.0, 2.0], steering(*TESTED)),
    "studies.smoke.steering.random_isotropic": (3, steering(*TESTED)),
    "studies.smoke.steering.further.doses": ([2.0], steering("add_doses", "subtract_doses")),
    "studies.smoke.steering.further.positions": (["all"], steering(*FURTHER[:3])),
    "studies.smoke.steering.further.layer_by_layer": ([2], steering("layers")),
    "studies.smoke.steering.further.random_per_dose": (2, steering("add_doses", "subtract_doses")),
    "studies.smoke.steering.power": (0.9, VERDICTS),
    "studies.smoke.steering.bootstrap": (60, VERDICTS),
    "studies.smoke.steering.layer": (2, STEERING | jobs("plot_directions")),
    "studies.smoke.steering.coherence_floor": (80, VERDICTS),
    "studies.smoke.token_curve.layer": (2, jobs("capture_prefixes *", "collect_detection") | CURVE),
    "studies.smoke.token_curve.tokens": ([1, 3], jobs("capture_prefixes *", "collect_detection") | CURVE),
    "studies.smoke.token_curve.folds": (5, jobs("collect_detection") | CURVE),
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
    # What is assumed beforehand, and no result depends on.
    "studies.smoke.power.prevalence": (0.3, set()),
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
    new |= {"capture_prompts own", "detect own", "capture_training_prompts own"}
    new |= {"compare_detectors detection/across.json"}
    assert study.planned() == new | jobs("collect_detection", "plot_detection")


def test_a_sentence_encoder_embeds_the_prompts_for_detection(study: Workflow) -> None:
    study.change("studies.smoke.detection.embedding", {"source": "hub", "name": "some/encoder"})
    new = {"fetch_encoder embeddings/model.json", "embed_prompts embeddings/smoke_detection.parquet"}
    assert study.planned() == new | DETECTION
    study.change("studies.smoke.detection.embedding", {"source": "folder", "path": "nowhere"})
    said = study.snakemake("--dry-run", "--", "smoke")
    assert said.status != 0 and "nowhere/config.json is missing" in str(said)


def test_one_more_organism_to_steer_leaves_the_others_alone(study: Workflow) -> None:
    study.change("studies.smoke.steering.organisms", [BAD, OWN])
    new = {f"{rule} own {operation}" for rule in STEERED for operation in TESTED}
    assert study.planned() == new | jobs("plot_steering", "collect_detection")


def test_an_organism_to_transfer_to_leaves_the_other_experiments_alone(study: Workflow) -> None:
    study.change("studies.smoke.steering.further.transfer_to", [OWN])
    assert study.planned() == steering("transfer")
    study.append("own_rows.jsonl", "{}\n")
    assert study.planned() > steering("transfer") | jobs("train_organism own", "fit_directions own")


def test_without_further_arms_there_are_the_two_tests(study: Workflow) -> None:
    study.change("studies.smoke.steering.further", None)
    assert study.planned() == {"collect_detection"}
    assert "plot_doses" not in study.jobs()


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
