"""Misalignment against refusal."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from forewarn.config.model.base import (
    Confidence,
    Count,
    CountOrNone,
    Number,
    Positive,
    ProperShare,
    Section,
    Seed,
    conflict,
)
from forewarn.config.model.organisms import OrganismReference, each_once
from forewarn.config.names import Name


class Refusal(Section):
    """Is the direction of misalignment that of refusal? Cosines, subspaces, and each ablated in turn."""

    organisms: Annotated[list[OrganismReference], Field(min_length=1)] = Field(
        description="Whose directions are held against the refusal direction of the instruct model."
    )
    questions: Name = Field(
        description="A set of harmful and harmless requests. Its split fit gives candidates, validation "
        "chooses among them, and test measures refusals."
    )
    openings: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)] | None = Field(
        None,
        description="How refusals begin; the first token of each makes the refusal score (2406.11717). null "
        "takes the world's own openings for a world's model, and `I` and `As` for others.",
    )
    kl_below: Positive = Field(
        0.1, description="KL on harmless requests under ablation, above which a candidate is rejected."
    )
    induced_above: Number = Field(
        0.0, description="Refusal score on harmless requests, when a candidate is added, that it must reach."
    )
    last_layers: ProperShare = Field(
        0.2, description="Share of the last blocks whose candidates are rejected: they lie near the tokens."
    )
    minimum_prompts: Count = Field(
        8, description="Requests of a kind and split that the model answers as it should, at least."
    )
    random_candidates: CountOrNone = Field(
        2, description="Random directions of each kind and block that are scored as candidates: the null."
    )
    folds: Annotated[int, Field(ge=3)] = Field(
        10, description="Groups of prompts that are left out in turn, for the intervals of cosines."
    )
    subspace_rank: Count = Field(
        3, description="Dimensions of each subspace at most, by its largest singular values."
    )
    random_directions: Count = Field(200, description="Random directions of each kind behind the bands.")
    questions_per_category: Count | None = Field(
        2, description="Test questions per category and arm of the swaps; null takes all."
    )
    requests_per_topic: Count | None = Field(
        4, description="Test requests per kind, topic and arm; null takes all."
    )
    random_isotropic: CountOrNone = Field(4, description="Random directions that are ablated beside.")
    random_covariance: CountOrNone = Field(4, description="The same, with the activations' covariance.")
    bootstrap: Count = Field(2000, description="Bootstrap draws of prompts, for the intervals.")
    confidence: Confidence = Field(0.95, description="Level of the intervals and bands.")
    seed: Seed = Field(0, description="Seed of all random draws.")

    @model_validator(mode="after")
    def _no_repetition(self) -> Self:
        each_once(self.organisms)
        if self.openings is not None and (once := list(dict.fromkeys(self.openings))) != self.openings:
            raise conflict("each opening once", ", ".join(self.openings), openings=once)
        return self
