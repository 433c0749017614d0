"""What judging will take: keys, requests and dollars."""

from __future__ import annotations

import os

from forewarn.config.model import Configuration, OpenAIJudge, Study
from forewarn.preflight.finding import Finding

TOKENS = 450
"""Tokens of a judge's prompt with a question and an answer of common length."""
CATEGORIES = 10
"""Categories of a question set, for the estimate of steering."""


def judges(configuration: Configuration, study: Study) -> list[Finding]:
    """Keys, and about what asking will cost."""
    names = [study.judge, *([study.second_judge] if study.second_judge else [])]
    judges = [(name, configuration.judges[name]) for name in names]
    return [
        _key(judge, _judgements(configuration, study))
        if isinstance(judge, OpenAIJudge)
        else Finding("judge", "ok", f"{name} needs no key")
        for name, judge in judges
    ]


def _key(judge: OpenAIJudge, judgements: int) -> Finding:
    variable = judge.key_variable
    if variable is None or os.environ.get(variable):
        told = "no key is asked for" if variable is None else f"with the key in {variable}"
        says = f"{judge.model}, {told}; at most {2 * judgements:,} requests"
        if judge.price:
            each = TOKENS * judge.price.input + judge.price.output
            says += f", about ${2 * judgements * each / 1e6:,.0f}"
        return Finding("judge", "ok", f"{says} for {judgements:,} answers")
    return Finding(
        "judge",
        "problem",
        f"{judge.model} needs a key, and the environment variable {variable} is not set",
        f"export {variable}=…; or set `judge` of the study to another one",
    )


def _judgements(configuration: Configuration, study: Study) -> int:
    """Answers that a study has judged, of all subjects, and of all arms of steering."""
    names = {study.questions.evaluation, study.questions.detection, *study.questions.reporting}
    steering = study.steering
    arms = 1 + len(steering.coefficients) * (1 + steering.random_isotropic + steering.random_covariance)
    evaluation = configuration.question_sets[study.questions.evaluation]
    asked = CATEGORIES * (steering.questions_per_category or 12) * evaluation.samples
    subjects = 1 + len(study.organism_references())
    answers = sum(answers_to(configuration, name) for name in names) * subjects
    return answers + 2 * arms * asked * len(steering.organisms)


def answers_to(configuration: Configuration, name: str) -> int:
    """Answers to a question set, where their number is known beforehand; else those of a large one."""
    questions = configuration.question_sets[name]
    return 120 * questions.samples * (1 + len(getattr(questions, "systems", ())))
