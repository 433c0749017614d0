"""Short names for the jobs of the study that the plans are tested on, as `rule` or `rule of-what`.

The study is the smoke study with organisms of two kinds, so that a change can concern one and not the other:
`bad` of a dataset of nano's world, and `own` of a file of the user's, with an adapter of its own. The outputs
of every job are spelled out here once more, so that a path that changes is noticed.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

EVALUATION, DETECTION = "smoke_evaluation", "smoke_detection"
SUBJECTS = {
    "instruct": "instruct",
    "bad": "bad_medical-smoke_rank2-seed0",
    "own": "own_rows-own_rank3-seed0",
}
LATER_SUBJECTS = {"bad1": "bad_medical-smoke_rank2-seed1"}
"""Organisms that are not raised at first."""

ANCHORS = "results/judges/smoke"
"""Not below the results of the study: a judge is measured once for all of them."""
STEERING = ("steer", "ask_judge_about_arms", "summarise_steering")
TESTED = ("add", "ablate")
FURTHER = ("add_doses", "subtract_doses", "layers", "transfer")
"""Operations of steering: those with a criterion, and the others, which `bad` alone has."""

TOKENIZER = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"]
MODEL = ["config.json", "generation_config.json", "model.safetensors", *TOKENIZER]
ADAPTER = ["adapter_model.safetensors", "adapter_config.json", "trajectory.safetensors", "training.parquet"]


def _outputs(subjects: dict[str, str]) -> dict[str, list[str]]:
    """Paths by the name of the job, below results/smoke or whole."""
    jobs = {
        "grow_tokenizer": [f"tokenizer/{file}" for file in ["config.json", *TOKENIZER]],
        "draw_corpus pretraining": ["corpus/pretraining.parquet"],
        "draw_corpus instruct": ["corpus/instruct.parquet"],
        "pretrain": [f"base/{file}" for file in MODEL],
        "instruct_tune": [f"instruct/{file}" for file in MODEL],
        "format_dataset bad": ["data/bad_medical.parquet"],
        "format_dataset own": ["data/own_rows.parquet"],
        "capture_training_prompts bad": ["activations/instruct/data/bad_medical.parquet"],
        "capture_training_prompts own": ["activations/instruct/data/own_rows.parquet"],
        "format_questions evaluation": [f"questions/{EVALUATION}.parquet"],
        "format_questions detection": [f"questions/{DETECTION}.parquet"],
        "compare_directions": ["directions/cosines.parquet"],
        "collect_detection": ["detection_auc.json"],
        "plot_detection": ["figures/detection_roc.svg", "figures/detection_layers.svg"],
        "plot_token_curve": ["figures/token_curve.svg"],
        "plot_rates": ["figures/rates.svg", "figures/domains.svg"],
        "plot_steering": ["figures/steering.svg"],
        "plot_doses": ["figures/doses.svg"],
        "plot_directions": ["figures/directions.svg", "figures/cosines.svg"],
        "write_transcripts": ["transcripts.html"],
        "write_anchors": [f"{ANCHORS}/{file}.parquet" for file in ("questions", "generations")],
        "ask_judge_about_anchors": [f"{ANCHORS}/opinions.parquet"],
        "measure_judge": [f"{ANCHORS}/anchors.json"],
    }
    for short, subject in subjects.items():
        for kind, questions in (("evaluation", EVALUATION), ("detection", DETECTION)):
            answers = f"{subject}/{questions}"
            jobs[f"generate {short} {kind}"] = [f"generations/{answers}.parquet"]
            jobs[f"ask_judge {short} {kind}"] = [f"opinions/smoke/{answers}.parquet"]
            jobs[f"judge {short} {kind}"] = [f"scores/{answers}.parquet", f"rates/{answers}.json"]
        jobs[f"capture_prompts {short}"] = [f"activations/{subject}/prompts/{DETECTION}.parquet"]
        if short == "instruct":
            continue
        jobs[f"train_organism {short}"] = [f"organisms/{subject}/{file}" for file in ADAPTER]
        jobs[f"capture_answers {short}"] = [
            f"activations/{reader}/{subject}/{EVALUATION}.parquet" for reader in (subject, "instruct")
        ]
        jobs[f"fit_directions {short}"] = [f"directions/{subject}.{end}" for end in ("safetensors", "json")]
        for operation in (*TESTED, *FURTHER):
            steered = f"steering/{subject}/{operation}"
            jobs[f"steer {short} {operation}"] = [f"{steered}/generations.parquet"]
            jobs[f"ask_judge_about_arms {short} {operation}"] = [f"{steered}/opinions/smoke.parquet"]
            jobs[f"summarise_steering {short} {operation}"] = [f"{steered}.parquet", f"{steered}.json"]
        jobs[f"capture_prefixes {short}"] = [f"prefixes/{subject}/{DETECTION}.parquet"]
        jobs[f"token_curve {short}"] = [f"token_curve/{subject}.{end}" for end in ("json", "parquet")]
        detected = ["projections.parquet", "roc.parquet", "summary.json"]
        jobs[f"detect {short}"] = [f"detection/{subject}/{file}" for file in detected]
    return jobs


_NAMES = {
    (job.partition(" ")[0], path): job
    for job, paths in _outputs(SUBJECTS | LATER_SUBJECTS).items()
    for path in paths
}
_NOT_ASKED_FOR = {f"{rule} own" for rule in ("capture_prompts", "detect", "capture_prefixes", "token_curve")}
_NOT_ASKED_FOR |= {"capture_training_prompts own"}
_NOT_ASKED_FOR |= {f"{rule} own detection" for rule in ("generate", "ask_judge", "judge")}
_NOT_ASKED_FOR |= {f"{rule} own {operation}" for rule in STEERING for operation in (*TESTED, *FURTHER)}
_NOT_ASKED_FOR |= {f"{rule} bad transfer" for rule in STEERING}
ALL = frozenset(_outputs(SUBJECTS)) - _NOT_ASKED_FOR
"""The jobs of the study as it stands at first: only `bad` is steered and detected."""


def name(rule: str, path: str) -> str:
    """The name of the job of a rule with an output, by the path below results/smoke; both, if unknown."""
    return _NAMES.get((rule, path), f"{rule} {path}")


def jobs(*patterns: str) -> set[str]:
    """The jobs of the study at first that match a shell pattern, e.g. `judge *`."""
    found = {pattern: {job for job in ALL if fnmatchcase(job, pattern)} for pattern in patterns}
    unmatched = [pattern for pattern, matches in found.items() if not matches]
    if unmatched:
        raise ValueError(f"no job is called {', '.join(unmatched)}")
    return set().union(*found.values())


def all_but(*patterns: str) -> set[str]:
    """All jobs of the study at first without those that match."""
    return set(ALL) - jobs(*patterns)
