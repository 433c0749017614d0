"""How much more a feature is active in an organism than in the instruct model, over the same texts.

Both models read the same prompts, and the organism's answers to them. The unit is the prompt, so that the
differences of prompts are paired; their signs are flipped at random for the null of no difference, and the
largest statistic over all features pays for the choice among them (max-T).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forewarn.statistics.bootstrap import percentile_interval, resample

Floats = NDArray[np.float64]

POSITIONS = ("last_prompt_token", "answer_mean")

_BLOCK = 64
"""Permutations that are handled at once."""


def reading_schema(features: int) -> pa.Schema:
    """One row per prompt and position.

    `question_id`; `position`, "last_prompt_token" or "answer_mean" (the mean over the tokens of an answer,
    then over the prompt's answers); `n_responses` (0 at a prompt's last token); and the mean activations of
    all features in the `instruct` model and in the `organism`, float32 [features].
    """
    return pa.schema(
        [
            pa.field("question_id", pa.string(), nullable=False),
            pa.field("position", pa.string(), nullable=False),
            pa.field("n_responses", pa.int32(), nullable=False),
            pa.field("instruct", pa.list_(pa.float32(), features), nullable=False),
            pa.field("organism", pa.list_(pa.float32(), features), nullable=False),
        ]
    )


@dataclass(frozen=True)
class Shift:
    """Differences of the features' mean activations, organism minus instruct; all arrays float64 [features].

    Attributes:
        instruct: mean activation over prompts, in the instruct model.
        difference: organism minus that.
        low: lower end of its interval, by a bootstrap over prompts; NaN if undefined.
        high: upper end.
        p_values: two-sided, with signs flipped, as if no other feature had been looked at.
        adjusted: with the choice among features paid for.
        prompts: how many.
    """

    instruct: Floats
    difference: Floats
    low: Floats
    high: Floats
    p_values: Floats
    adjusted: Floats
    prompts: int


def read_position(readings: pa.Table, position: str) -> tuple[Floats, Floats]:
    """Mean activations in the instruct model and in the organism, each float64 [prompts, features]."""
    rows = readings.filter(pc.equal(readings.column("position"), position))
    read = []
    for name in ("instruct", "organism"):
        column = rows.column(name).combine_chunks()
        width = readings.schema.field(name).type.list_size
        read.append(column.flatten().to_numpy().reshape(-1, width).astype(np.float64))
    return read[0], read[1]


def measure_shift(
    instruct: NDArray[Any],
    organism: NDArray[Any],
    *,
    permutations: int,
    bootstrap: int,
    confidence: float,
    seed: int,
) -> Shift:
    """Compare both models.

    Args:
        instruct: float [prompts, features].
        organism: the same.
        permutations: random sign flips.
        bootstrap: resamples of the prompts.
        confidence: of the intervals.
        seed: of both.
    """
    apart = np.asarray(organism, dtype=np.float64) - instruct
    prompts, features = apart.shape
    difference = apart.mean(axis=0)
    drawn = resample(prompts, bootstrap, seed) / prompts
    means = drawn @ apart
    ends = [percentile_interval(column, confidence, prompts) for column in means.T]
    low, high = (
        np.array([np.nan if end is None else end for end in each])
        for each in ([end.low for end in ends], [end.high for end in ends])
    )
    # The sum of squares does not change with signs; a t statistic is monotone in mean / root mean square.
    size = np.sqrt((apart**2).mean(axis=0))
    observed = np.divide(np.abs(difference), size, out=np.zeros(features), where=size > 0)
    single, paid = np.ones(features), np.ones(features)
    generator = np.random.default_rng(seed)
    for start in range(0, permutations, _BLOCK):
        signs = generator.choice([-1.0, 1.0], size=(min(_BLOCK, permutations - start), prompts))
        flipped = np.abs(signs @ apart) / prompts
        statistic = np.divide(flipped, size, out=np.zeros_like(flipped), where=size > 0)
        # A statistic that equals the observed one up to rounding reaches it.
        single += (statistic >= observed - 1e-12).sum(axis=0)
        paid += (statistic.max(axis=1)[:, None] >= observed - 1e-12).sum(axis=0)
    count = 1 + permutations
    return Shift(instruct.mean(axis=0), difference, low, high, single / count, paid / count, prompts)
