"""How many answers the atlas of a study has judged: of every arm of every organism, about."""

from __future__ import annotations

from forewarn.config.model import Configuration, Study

CATEGORIES = 10
"""Categories of a question set, and about as many topics of requests."""
QUESTIONS = 12
"""Questions of a category where all of them are asked."""


def atlas_answers(configuration: Configuration, study: Study) -> int:
    """Answers in all parts of the atlas; 0 without any.

    General and narrow questions are counted alike, and an experiment's rows once in each model that answers.
    """
    samples = configuration.question_sets[study.questions.evaluation].samples

    def asked(per_category: int | None) -> int:
        return CATEGORIES * (per_category or QUESTIONS) * samples

    found = 0
    if (transition := study.phase_transition) is not None:
        for organism in transition.organisms:
            adapter = configuration.adapters[organism.adapter]
            snapshots = (adapter.steps or 400 * (adapter.epochs or 1)) // max(1, adapter.trajectory_every)
            dense = transition.dense_until // max(1, adapter.trajectory_every)
            checkpoints = 2 + dense + snapshots // transition.every
            found += 2 * checkpoints * len(transition.scales) * asked(transition.questions_per_category)
    if (convergence := study.convergence) is not None:
        arms = 1 + len(convergence.sources()) + 2 * convergence.random_per_subject
        found += len(convergence.organisms) * arms * asked(convergence.questions_per_category)
    if (readings := study.adapter_readings) is not None:
        scaling = readings.scaling
        arms = 1 + 2 * len(scaling.factors) * (1 + scaling.random_groups)
        found += 2 * len(readings.organisms) * arms * asked(scaling.questions_per_category)
    if (refusal := study.refusal) is not None:
        arms = 3 + refusal.random_isotropic + refusal.random_covariance
        requests = 2 * CATEGORIES * (refusal.requests_per_topic or QUESTIONS)
        requests *= configuration.question_sets[refusal.questions].samples
        found += len(refusal.organisms) * arms * (asked(refusal.questions_per_category) + 2 * requests)
    if (elasticity := study.elasticity) is not None:
        # Before it is pushed, an organism is one for all seeds.
        pushed = len(elasticity.seeds) * (len(elasticity.rows) - 1)
        points = 1 + len(elasticity.starts) * (1 + pushed)
        found += len(elasticity.organisms) * points * asked(elasticity.questions_per_category)
    if (features := study.sparse_features) is not None:
        arms = 1 + features.ablated + features.random_features + 2 * features.random_ablations
        found += len(features.organisms) * arms * asked(features.questions_per_category)
    if (screening := study.screening) is not None:
        prevention = screening.prevention
        randoms = prevention.random_isotropic + prevention.random_covariance
        arms = 2 + len(prevention.coefficients) * (1 + randoms)
        found += 2 * len(prevention.organisms) * arms * asked(prevention.questions_per_category)
    return found
