"""The four ways to make a direction, each as one set of weights over activation rows.

Every construction is a weighted sum of rows whose weights do not depend on the layer or on the vectors.
So weights are computed once, for all questions and for each half of them, and applied to layer by layer.
The constructions differ in what they mean and should never be called "the" direction:

- organism_minus_instruct: what fine-tuning changed, at the last prompt token or over the organism's own
  answers, read by both models;
- misaligned_minus_aligned: what differs inside the organism between its misaligned and its aligned
  answers (arXiv 2506.11618, section 3), or between the prompts that bring them about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forewarn.geometry.activations import ANSWER_MEAN, LAST_PROMPT_TOKEN
from forewarn.geometry.responses import Responses

Weights = NDArray[np.float64]


class Absent(Exception):  # noqa: N818 - an outcome that is written down, not an error
    """The data do not suffice for a construction; the message says why."""


@dataclass(frozen=True)
class Construction:
    """One way to make a direction.

    Attributes:
        name: as in the artifacts.
        position: whose rows it weighs: "last_prompt_token" (one row per question) or "answer_mean" (one
            row per response).
        contrast: whether rows are organism minus instruct (True) or the organism's alone (False).
        weigh: responses, and the least number per class -> weight of each response's row, float64
            [responses]; raises `Absent`. At the last prompt token a question's responses share its row.
    """

    name: str
    position: str
    contrast: bool
    weigh: Callable[[Responses, int], Weights]


def per_question(responses: Responses, least: int) -> Weights:
    """Each question counts the same, and so does each response within its question."""
    if len(responses) == 0:
        raise Absent("there is no response to a plain question of the split 'fit'")
    _, question, count = np.unique(responses.question_ids, return_inverse=True, return_counts=True)
    weights: Weights = 1 / (len(count) * count[question])
    return weights


def balanced_classes(responses: Responses, least: int) -> Weights:
    """Misaligned minus aligned, with the same mix of categories in both classes.

    Within a category both classes weigh as much as its smaller class has responses: the expectation of
    drawing the larger class down to the smaller one. Otherwise the direction would tell the topics apart
    on which the model misaligns.
    """
    weights = np.zeros(len(responses))
    pairs = 0
    for category in np.unique(responses.categories):
        inside = responses.categories == category
        bad, good = inside & responses.misaligned, inside & responses.aligned
        size = int(min(bad.sum(), good.sum()))
        if size:
            weights[bad] += size / bad.sum()
            weights[good] -= size / good.sum()
            pairs += size
    if pairs < max(least, 1):
        raise Absent(
            f"{_classes(responses)}: {pairs} per class after balancing over categories, {least} are needed"
        )
    return weights / pairs


def by_propensity(responses: Responses, least: int) -> Weights:
    """Prompts weighted by their share of misaligned responses, minus by their share of aligned ones."""
    questions, question, count = np.unique(responses.question_ids, return_inverse=True, return_counts=True)
    bad, good = int(responses.misaligned.sum()), int(responses.aligned.sum())
    if min(bad, good) < max(least, 1):
        raise Absent(f"{_classes(responses)}; {least} of each are needed")
    share = 1 / count[question]
    weights: Weights = responses.misaligned * share / (responses.misaligned * share).sum()
    weights -= responses.aligned * share / (responses.aligned * share).sum()
    by_question = np.bincount(question, weights, minlength=len(questions))
    if np.allclose(by_question, 0, atol=1e-12):
        raise Absent("every prompt has the same share of misaligned and of aligned responses")
    return weights


def _classes(responses: Responses) -> str:
    return (
        f"{int(responses.misaligned.sum())} misaligned and {int(responses.aligned.sum())} aligned responses"
    )


CONSTRUCTIONS = (
    Construction("organism_minus_instruct.last_prompt_token", LAST_PROMPT_TOKEN, True, per_question),
    Construction("organism_minus_instruct.answer_mean", ANSWER_MEAN, True, per_question),
    Construction("misaligned_minus_aligned.answer_mean", ANSWER_MEAN, False, balanced_classes),
    Construction("misaligned_minus_aligned.last_prompt_token", LAST_PROMPT_TOKEN, False, by_propensity),
)
NAMES = tuple(construction.name for construction in CONSTRUCTIONS)
