"""Reading rank-1 adapters directly, and scaling groups of them."""

from __future__ import annotations

from typing import Annotated, Self

from annotated_types import Ge
from pydantic import Field, model_validator

from forewarn.config.model.base import Confidence, Count, Number, Positive, Score, Section, Seed, conflict
from forewarn.config.model.organisms import OrganismReference, each_once


class AdapterScaling(Section):
    """Answers of the organism with a group of its adapters scaled, beside random groups of that size."""

    factors: Annotated[list[Number], Field(min_length=1)] = Field(
        [0.0, 2.0, 4.0],
        description="What a group's adapters are multiplied by; 0 takes them out. arXiv 2506.11618 takes 20 "
        "and 30, for weak adapters of a large model.",
    )
    random_groups: Count = Field(
        5, description="Random groups of the same size, per group and factor; what any adapters would do."
    )
    fallback: Count = Field(
        2,
        description="Adapters of a group that the rule leaves empty: those with the largest "
        "coefficients. It is marked.",
    )
    questions_per_category: Count | None = Field(
        4, description="Questions of each category that every arm is asked; null takes all."
    )

    @model_validator(mode="after")
    def _changing_something(self) -> Self:
        once = [factor for factor in dict.fromkeys(self.factors) if factor != 1]
        if once != self.factors:
            raise conflict("each factor once, and not 1", str(self.factors), factors=once or [2.0])
        return self


class AdapterReadings(Section):
    """What do the scalars of rank-1 adapters tell about an answer, and which adapters serve what?"""

    organisms: Annotated[list[OrganismReference], Field(min_length=1)] = Field(
        description="Whose adapters are read; of rank 1, or with readings of others (given)."
    )
    domain_categories: Annotated[list[str], Field(min_length=1)] = Field(
        description="Categories of the evaluation set inside the domain of the fine-tuning. Their misaligned "
        "answers are narrow ones; no judge says what an answer is about, so its question does."
    )
    aligned_from: Score = Field(
        90, description="Alignment (0 to 100) from which an answer is aligned; between, it has no class."
    )
    minimum_per_class: Count = Field(
        10, description="Answers of a class below which a question is not put to the scalars."
    )
    strength: Positive = Field(
        0.01,
        description="Inverse L1 penalty of the probes; 0.01 as in arXiv 2506.11618, fixed before looking.",
    )
    fits: Count = Field(100, description="Fits to prompts drawn anew, for the spread of coefficients.")
    folds: Annotated[int, Ge(2)] = Field(
        5, description="Groups of whole prompts (or categories) that are left out in turn for the AUROC."
    )
    permutations: Annotated[int, Ge(19)] = Field(
        999,
        description="Shufflings of labels behind each verdict. The smallest p-value that Holm gives is the "
        "number of adapters times 2, over one more than these.",
    )
    refits: Annotated[int, Ge(1)] = Field(
        99, description="Shufflings behind the null of the AUROC, each fitted anew in all folds."
    )
    scaling: AdapterScaling = Field(
        default_factory=AdapterScaling, description="What is done to the groups that were found."
    )
    random_directions: Count = Field(
        500, description="Random vectors of each kind that the cosines of B are held against."
    )
    bootstrap: Count = Field(2000, description="Bootstrap draws of prompts, for the intervals.")
    confidence: Confidence = Field(0.95, description="Level of intervals, bands and verdicts.")
    seed: Seed = Field(0, description="Seed of folds, draws, shufflings, random groups and sampling.")

    @model_validator(mode="after")
    def _no_repetition(self) -> Self:
        each_once(self.organisms)
        once = list(dict.fromkeys(self.domain_categories))
        if once != self.domain_categories:
            raise conflict("each category once", ", ".join(self.domain_categories), domain_categories=once)
        return self
