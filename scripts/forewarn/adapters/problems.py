"""The two questions that are put to the scalars (arXiv 2506.11618): is this token of a misaligned answer, and
is this token, of a misaligned answer, of one in the domain of the fine-tuning?

`misaligned` compares misaligned and aligned answers to questions outside that domain, where misalignment is
what nobody taught; inside it, if the answers outside are of one class. The paper's released scalars are such
a case: all their answers outside the domain are misaligned. Labels are shuffled among the answers to one
prompt, so that chance knows as well which prompts misalign often.

`in_domain` compares misaligned answers to questions inside the domain and outside it. Domain belongs to the
question, and mostly to its category, so that whole categories are left out, resampled and shuffled; or
prompts, where a side has too few categories for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forewarn.adapters.scalars import Tokens
from forewarn.statistics.pairs import shuffled_within

Name = Literal["misaligned", "in_domain"]
Scope = Literal["outside", "inside", "misaligned"]

LEAST_UNITS = 2
"""Prompts (or categories) with answers of a class below which it is not asked: one is to be left out."""
LEAST_CATEGORIES = 4
"""Categories on each side below which `in_domain` goes by prompts: of 4 and 4 there are 70 arrangements."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Tokens of two classes of answers.

    Attributes:
        name: which question.
        scope: whose answers: outside the domain, inside it, or the misaligned ones of both.
        tokens: of the answers.
        positive: bool [answers], the class that a higher score should mean.
        unit: int64 [answers], from 0: what is left out, resampled and (for `in_domain`) shuffled as a whole.
        units: what a unit is.
    """

    name: Name
    scope: Scope
    tokens: Tokens
    positive: NDArray[np.bool_]
    unit: NDArray[np.int64]
    units: Literal["prompt", "category"]

    @property
    def n_units(self) -> int:
        """How many units there are."""
        return int(self.unit.max()) + 1

    def shuffled(self, count: int, seed: int) -> NDArray[np.bool_]:
        """Labellings by chance, bool [count, answers].

        Among the answers to each prompt for `misaligned`; among units for `in_domain`, each of one class.
        """
        if self.name == "misaligned":
            return shuffled_within(self.positive, self.unit, count, seed)
        _, first = np.unique(self.unit, return_index=True)
        generator = np.random.default_rng(seed)
        labels = generator.permuted(np.tile(self.positive[first], (count, 1)), axis=1)
        return labels[:, self.unit]


def problems(tokens: Tokens, domain: Sequence[str], least: int) -> dict[Name, Problem | str]:
    """Both questions; or, in place of one, why it cannot be asked.

    Args:
        tokens: of labelled answers.
        domain: categories inside the domain of the fine-tuning.
        least: answers of a class below which a question is not asked.
    """
    inside = np.isin(tokens.category.astype(str), list(domain))
    return {
        "misaligned": _misaligned(tokens, inside, least),
        "in_domain": _in_domain(tokens.of(tokens.misaligned), inside[tokens.misaligned], least),
    }


def in_scope(
    tokens: Tokens, domain: Sequence[str], scope: Literal["outside", "inside"], least: int
) -> Problem | str:
    """Misaligned against aligned answers of one scope; or why they cannot be compared."""
    inside = np.isin(tokens.category.astype(str), list(domain))
    chosen = tokens.of(inside if scope == "inside" else ~inside)
    problem = Problem("misaligned", scope, chosen, chosen.misaligned, _numbers(chosen.prompt), "prompt")
    return (
        _reason(problem, f"misaligned answers {scope} the domain", f"aligned ones {scope} it", least)
        or problem
    )


def _misaligned(tokens: Tokens, inside: NDArray[np.bool_], least: int) -> Problem | str:
    domain = sorted(set(tokens.category[inside]))
    outside = in_scope(tokens, domain, "outside", least)
    if not isinstance(outside, str):
        return outside
    within = in_scope(tokens, domain, "inside", least)
    return within if not isinstance(within, str) else f"{outside}; {within}"


def _in_domain(misaligned: Tokens, inside: NDArray[np.bool_], least: int) -> Problem | str:
    categories = [len(set(misaligned.category[side])) for side in (inside, ~inside)]
    by_category = min(categories) >= LEAST_CATEGORIES
    unit = _numbers(misaligned.category if by_category else misaligned.prompt)
    problem = Problem(
        "in_domain", "misaligned", misaligned, inside, unit, "category" if by_category else "prompt"
    )
    return _reason(problem, "misaligned answers inside the domain", "outside it", least) or problem


def _numbers(names: NDArray[np.object_]) -> NDArray[np.int64]:
    return np.unique(names.astype(str), return_inverse=True)[1].astype(np.int64)


def _reason(problem: Problem, positive: str, negative: str, least: int) -> str:
    """Why a problem cannot be solved, in words; empty if it can."""
    for told, chosen in ((positive, problem.positive), (negative, ~problem.positive)):
        answers, units = int(chosen.sum()), len(set(problem.unit[chosen].tolist()))
        if answers < least or units < LEAST_UNITS:
            return (
                f"{answers} {told}, of {units} {problem.units}s: "
                f"it takes {least}, of {LEAST_UNITS} {problem.units}s"
            )
    return ""
