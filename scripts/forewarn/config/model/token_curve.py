"""Reading responses after some of their tokens."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from annotated_types import Ge
from pydantic import Field, model_validator

from forewarn.config.model.base import (
    Confidence,
    Count,
    Layer,
    Positive,
    Section,
    Seed,
    conflict,
)
from forewarn.config.model.organisms import Construction, OrganismReference, each_once


class TokenCurve(Section):
    """Can a response that will be misaligned be told from others to the same prompt, by its first tokens?"""

    organisms: Annotated[list[OrganismReference], Field(min_length=1)] = Field(
        description="Whose answers are told apart."
    )
    layer: Layer | None = Field(
        None,
        description="Block to read; fixed before looking. null takes all that a given file holds, and is for "
        "such files only.",
    )
    tokens: Annotated[list[Count], Field(min_length=1)] = Field(
        [1, 2, 4, 8, 16, 32, 64],
        description="Tokens of the answer that are read. 0, the last prompt token, is read in any case.",
    )
    splits: Annotated[list[Literal["fit", "validation", "test"]], Field(min_length=1)] = Field(
        ["test"], description="Splits of the detection set whose answers are read."
    )
    directions: list[Construction] = Field(
        ["organism_minus_instruct.last_prompt_token", "misaligned_minus_aligned.answer_mean"],
        description="Constructions to project on, beside the probe.",
    )
    folds: Annotated[int, Ge(3)] | None = Field(
        None, description="Groups of whole prompts that are left out in turn. null leaves out one prompt."
    )
    probe_strength: Positive = Field(
        0.01, description="Inverse penalty of the probe; fixed before looking. A logistic regression."
    )
    text_strength: Positive = Field(10.0, description="Inverse penalty of the reader of the visible text.")
    tie_tolerance: Positive = Field(
        1e-4,
        description="Spread at t = 0 that is rounding, in deviations of prompts. Of the answers to one "
        "prompt, which share that token; standard deviations. 1e-4 is for float32; 0.2 for bfloat16.",
    )
    bootstrap: Count = Field(2000, description="Bootstrap draws of prompts, for the interval.")
    permutations: Count = Field(200, description="Shufflings of labels inside prompts, for the null.")
    confidence: Confidence = Field(0.95, description="Level of the intervals.")
    seed: Seed = Field(0, description="Seed of folds, bootstrap and null.")

    @model_validator(mode="after")
    def _no_repetition(self) -> Self:
        each_once(self.organisms)
        rising = sorted(set(self.tokens))
        if rising != self.tokens:
            raise conflict("rising numbers of tokens", str(self.tokens), tokens=rising)
        for key in ("splits", "directions"):
            given = getattr(self, key)
            once = list(dict.fromkeys(given))
            if once != given:
                raise conflict("each one once", ", ".join(given), **{key: once})
        return self
