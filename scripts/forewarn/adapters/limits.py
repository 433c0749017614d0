"""What a set of answers cannot show, whatever the numbers are.

The scalars that arXiv 2506.11618 released lack three things: aligned answers outside medicine, prompts with
medical and other answers, and the gradients by which the paper chose tokens; here all tokens count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from forewarn.adapters.problems import Name, Problem
from forewarn.adapters.scalars import Tokens

LEAST_MIXED = 10
"""Prompts with both classes below which figures within prompts rest on too few."""


def unsupported(asked: Mapping[Name, Problem | str], tokens: Tokens, domain: Sequence[str]) -> list[str]:
    """Findings of arXiv 2506.11618 that these answers cannot support, whatever the numbers are."""
    inside = np.isin(tokens.category.astype(str), list(domain))
    told = []
    if not np.any(~inside & ~tokens.misaligned):
        told.append(
            "general misalignment: no aligned answer outside the domain, so a reading of misalignment cannot "
            "be told from one of misaligned answers in the domain, nor tried outside it"
        )
    problem = asked["in_domain"]
    if not isinstance(problem, str):
        both = set(problem.tokens.prompt[problem.positive]) & set(problem.tokens.prompt[~problem.positive])
        if not both:
            told.append(
                "narrow misalignment: no prompt has misaligned answers inside the domain and outside it, so "
                "the domain of an answer cannot be told from that of its question"
            )
    problem = asked["misaligned"]
    if not isinstance(problem, str):
        mixed = mixed_prompts(problem)
        if mixed < LEAST_MIXED:
            told.append(f"misalignment within prompts: {mixed} prompts have answers of both classes")
    return told


def mixed_prompts(problem: Problem) -> int:
    """Units with answers of both classes."""
    positive = set(problem.unit[problem.positive].tolist())
    return len(positive & set(problem.unit[~problem.positive].tolist()))
