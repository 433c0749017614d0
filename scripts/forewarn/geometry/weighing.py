"""A construction over many choices of prompts at once, as weights over distinct activation rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.geometry.activations import Key, read_activations
from forewarn.geometry.constructions import Absent, Construction
from forewarn.geometry.responses import Responses

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """A construction as weights over distinct activation rows.

    Attributes:
        construction: which one.
        keys: of the rows.
        weights: float64 [1 + choices, rows]: all questions first, then each choice of them.
        counts: how many questions and responses stand behind it.
    """

    construction: Construction
    keys: list[Key]
    weights: Floats
    counts: dict[str, int]

    def rows(self, path: Path, layer: int) -> Floats:
        """The activations that are weighed, as one model reads them: float64 [rows, d_model]."""
        table = read_activations(path, self.construction.position, [layer])
        return table.at(self.keys)[:, 0].astype(np.float64)

    def directions(self, read: Floats, instruct: Path, layer: int) -> Floats:
        """The direction at a layer by each choice of questions: float64 [1 + choices, d_model].

        A choice that does not hold what the construction needs has the direction 0.

        Args:
            read: `rows` of the organism at this layer.
            instruct: what the instruct model reads there.
            layer: which one.
        """
        return self.weights @ (read - self.rows(instruct, layer) if self.construction.contrast else read)


def plan(
    construction: Construction, responses: Responses, least: int, choices: Sequence[NDArray[Any]]
) -> Plan:
    """Weigh all responses, and those of each choice of questions.

    Args:
        construction: which one.
        responses: whose rows are weighed; the caller leaves out empty ones where means over answers are.
        least: misaligned, and aligned, responses below which all of them do not suffice; a choice needs one.
        choices: ids of the questions that are chosen, each str [questions].

    Raises:
        Absent: the responses do not suffice for the construction.
    """
    weights = [construction.weigh(responses, least)]
    asked = responses.question_ids.astype(str)
    weights += [_some(construction, responses, np.isin(asked, chosen.astype(str))) for chosen in choices]
    keys = responses.keys(construction.position)
    distinct = sorted(set(keys))
    row = {key: index for index, key in enumerate(distinct)}
    column = np.array([row[key] for key in keys])
    counts = {
        "n_questions": len(np.unique(responses.question_ids)),
        "n_responses": len(responses),
        "n_misaligned": int(responses.misaligned.sum()),
        "n_aligned": int(responses.aligned.sum()),
    }
    summed = np.zeros((len(weights), len(distinct)))
    np.add.at(summed.T, column, np.stack(weights, axis=1))
    return Plan(construction, distinct, summed, counts)


def halves(questions: NDArray[Any], halvings: int, seed: int) -> list[NDArray[Any]]:
    """Random halvings of sorted question ids, first and second halves in turn: [2 * halvings] arrays."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(halvings):
        shuffled = generator.permutation(questions)
        found += [shuffled[: len(questions) // 2], shuffled[len(questions) // 2 :]]
    return found


def _some(construction: Construction, responses: Responses, inside: NDArray[np.bool_]) -> Floats:
    """Weights of some of the questions; all zero where they do not hold both classes."""
    weights = np.zeros(len(responses))
    try:
        weights[inside] = construction.weigh(responses[inside], 1)
    except Absent:
        return weights
    return weights
