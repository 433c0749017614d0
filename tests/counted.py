"""Prompts as counts, for laws of statistics, and the same prompts response by response, for sklearn."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from forewarn.statistics.labels import Labels

laws = settings(max_examples=40, deadline=None)

# Whole-numbered scores from a small range, so that ties are the rule.
any_prompts = st.lists(
    st.tuples(st.integers(-4, 4), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=25
)
prompts = any_prompts.filter(lambda rows: sum(row[1] for row in rows) > 0 and sum(row[2] for row in rows) > 0)
"""Both classes are there."""


def split(rows: list[tuple[int, int, int]]) -> tuple[np.ndarray, Labels]:
    scores, misaligned, others = (np.array(column) for column in zip(*rows, strict=True))
    return scores.astype(float), Labels.of(misaligned, misaligned + others)


def repeated(scores: np.ndarray, labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    truth = np.concatenate([np.repeat(1, labels.misaligned.sum()), np.repeat(0, labels.others.sum())])
    return truth, np.concatenate([np.repeat(scores, labels.misaligned), np.repeat(scores, labels.others)])
