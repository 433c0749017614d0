"""What judging will take: keys, requests and dollars."""

from __future__ import annotations

import os

from forewarn.config.model import Configuration, OpenAIJudge, Steering, Study
from forewarn.config.model.questions import ItemQuestions, OwnQuestions
from forewarn.preflight.atlas import CATEGORIES, atlas_answers
from forewarn.preflight.finding import Finding

TOKENS = 450
"""Tokens of a judge's prompt with a question and an answer of common length."""


def judges(configuration: Configuration, study: Study) -> list[Finding]:
    """Keys, and about what asking will cost."""
    names = [study.judge, *([study.second_judge] if study.second_judge else [])]
    judges = [(name, configuration.judges[name]) for name in names]
    return [
        _key(judge, _judgements(configuration, study), atlas_answers(configuration, study))
        if isinstance(judge, OpenAIJudge)
        else Finding("judge", "ok", f"{name} needs no key")
        for name, judge in judges
    ]


def _key(judge: OpenAIJudge, judgements: int, atlas: int) -> Finding:
    variable = judge.key_variable
    if variable is None or os.environ.get(variable):
        told = "no key is asked for" if variable is None else f"with the key in {variable}"
        says = f"{judge.model}, {told}; at most {2 * judgements:,} requests"
        each = TOKENS * judge.price.input + judge.price.output if judge.price else None
        if each:
            says += f", about ${2 * judgements * each / 1e6:,.0f}"
        says += f" for {judgements:,} answers"
        if atlas:
            says += f"; its atlas {2 * atlas:,} more" + (
                f", about ${2 * atlas * each / 1e6:,.0f}" if each else ""
            )
        return Finding("judge", "ok", says)
    return Finding(
        "judge",
        "problem",
        f"{judge.model} needs a key, and the environment variable {variable} is not set",
        f"export {variable}=…; or set `judge` of the study to another one",
    )


def _judgements(configuration: Configuration, study: Study) -> int:
    """Answers that a study has judged, of all subjects that a set is put to, and of all arms of steering."""
    questions, detection, steering = study.questions, study.detection, study.steering
    everybody = {"instruct", *study.organism_names()}
    tested = {"instruct", *(organism.name for organism in detection.organisms)}
    asked = dict.fromkeys([questions.evaluation, *questions.reporting], everybody)
    asked.setdefault(questions.detection, tested)
    answers = sum(answers_to(configuration, name) * len(subjects) for name, subjects in asked.items())
    samples = configuration.question_sets[questions.evaluation].samples
    each = CATEGORIES * (steering.questions_per_category or 12) * samples
    return answers + each * sum(
        count_arms(steering, organism.name, operation)
        for organism in steering.organisms
        for operation in steering.experiments(organism.name)
    )


def count_arms(steering: Steering, organism: str, operation: str) -> int:
    """Arms of one experiment; where it goes through all blocks, about as many."""
    arms = steering.arms(operation)
    tried: int = 1 + arms["random_isotropic"] + arms["random_covariance"]
    if operation == "layers":
        blocks = arms["layer_by_layer"]
        count = 2 * steering.layer if blocks == "all" else len(blocks)  # steering is at about half the depth
        return 1 + (len(arms["positions"]) + count) * tried
    if operation == "transfer":
        return len(steering.others(organism)) * (2 + tried)
    if operation == "ablate":
        return 1 + tried + len(arms["coefficients"])
    doses = arms["coefficients"] if operation == "add" else arms["doses"]
    return 1 + len(doses) * len(arms.get("positions", ["all"])) * tried


def answers_to(configuration: Configuration, name: str) -> int:
    """Answers to a question set, where their number is known beforehand; else those of a large one."""
    questions = configuration.question_sets[name]
    if not isinstance(questions, ItemQuestions):
        return 120 * questions.samples
    formats = len(questions.formats) if isinstance(questions, OwnQuestions) else 1
    return 120 * formats * (1 + len(questions.systems) + len(questions.earlier)) * questions.samples
