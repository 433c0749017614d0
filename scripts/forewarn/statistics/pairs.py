"""AUROC of responses that have scores of their own: pooled, and among the responses of one prompt.

What is counted are pairs of a misaligned response and another one, by the prompts that the two belong to.
From these counts follow both AUROCs, and those of any resample of whole prompts, without sorting again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.statistics.auroc import Floats, area


@dataclass(frozen=True)
class Pairs:
    """Pairs of responses by prompt.

    Attributes:
        concordant: float64 [prompts, prompts], pairs of a misaligned response of the first prompt and another
            response of the second in which the misaligned one scores higher; a tie counts half.
        misaligned: float64 [prompts], misaligned responses.
        others: float64 [prompts], responses that are not misaligned.
    """

    concordant: Floats
    misaligned: Floats
    others: Floats

    @property
    def mixed(self) -> int:
        """How many prompts have both misaligned and other responses."""
        return int(np.sum(self.misaligned * self.others > 0))

    def pooled(self, drawn: NDArray[Any] | None = None) -> Floats:
        """AUROC over all responses, NaN where there is one class only.

        Args:
            drawn: how often each prompt counts, [..., prompts]; once for None.

        Returns:
            float64 [...].
        """
        drawn = self._weights(drawn)
        concordant = ((drawn @ self.concordant) * drawn).sum(axis=-1)
        return _ratio(concordant, (drawn @ self.misaligned) * (drawn @ self.others))

    def by_prompt(self) -> Floats:
        """AUROC among the responses of each prompt: float64 [prompts], NaN where a prompt has one class."""
        return _ratio(np.diagonal(self.concordant), self.misaligned * self.others)

    def within(self, drawn: NDArray[Any] | None = None) -> Floats:
        """Mean of `by_prompt` over the prompts that have both classes, NaN where none has.

        Args:
            drawn: as in `pooled`.

        Returns:
            float64 [...].
        """
        areas = self.by_prompt()
        drawn = self._weights(drawn) * ~np.isnan(areas)
        return _ratio(drawn @ np.nan_to_num(areas), drawn.sum(axis=-1))

    def _weights(self, drawn: NDArray[Any] | None) -> Floats:
        return np.ones(len(self.misaligned)) if drawn is None else np.asarray(drawn, dtype=np.float64)


def count_pairs(scores: Floats, misaligned: NDArray[np.bool_], prompt: NDArray[np.int64]) -> Pairs:
    """Count the pairs of responses.

    Args:
        scores: float64 [responses].
        misaligned: bool [responses].
        prompt: int64 [responses], number of the prompt, from 0.

    Raises:
        ValueError: a score is not a number.
    """
    if np.isnan(scores).any():
        raise ValueError("a score is not a number, so it has no rank")
    prompts = int(prompt.max(initial=-1)) + 1
    concordant = np.zeros((prompts, prompts))
    above, place = scores[misaligned], prompt[misaligned]
    for second, members in enumerate(members_of(prompt)):
        below = np.sort(scores[members][~misaligned[members]])
        lower = np.searchsorted(below, above, "left") + np.searchsorted(below, above, "right")
        concordant[:, second] = np.bincount(place, lower / 2, minlength=prompts)
    return Pairs(
        concordant,
        np.bincount(place, minlength=prompts).astype(np.float64),
        np.bincount(prompt[~misaligned], minlength=prompts).astype(np.float64),
    )


def within_areas(scores: Floats, misaligned: NDArray[np.bool_], prompt: NDArray[np.int64]) -> Floats:
    """`Pairs.within` of many scores, or many labellings, at once.

    Args:
        scores: float64 [problems, responses] or [responses].
        misaligned: bool [problems, responses] or [responses].
        prompt: int64 [responses].

    Returns:
        float64 [problems], NaN where no prompt has both classes.
    """
    found = [
        area(scores[..., members], misaligned[..., members], ~misaligned[..., members])
        for members in members_of(prompt)
    ]
    areas = np.stack(np.broadcast_arrays(*found), axis=-1)
    defined = ~np.isnan(areas)
    return _ratio(np.where(defined, areas, 0).sum(axis=-1), defined.sum(axis=-1))


def shuffled_within(
    misaligned: NDArray[np.bool_], prompt: NDArray[np.int64], count: int, seed: int
) -> NDArray[np.bool_]:
    """Labels shuffled among the responses of each prompt: bool [count, responses].

    Which prompts misalign more stays as it is; which of a prompt's responses does becomes chance.
    """
    generator = np.random.default_rng(seed)
    shuffled = np.tile(misaligned, (count, 1))
    for members in members_of(prompt):
        shuffled[:, members] = generator.permuted(shuffled[:, members], axis=1)
    return shuffled


def members_of(prompt: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Positions of the responses of each prompt, in the order of the prompts' numbers."""
    order = np.argsort(prompt, kind="stable")
    yield from np.split(order, np.cumsum(np.bincount(prompt))[:-1])


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    found: Floats = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)
    return found
