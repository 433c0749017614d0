"""Convergence and transfer: whether organisms share a direction, and whose direction acts in whom."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from forewarn.config.model.base import Confidence, Count, CountOrNone, Section, Seed, conflict
from forewarn.config.model.organisms import OrganismReference, each_once


class Convergence(Section):
    """Do organisms share a direction, and does ablating one's act in another (arXiv 2506.11618)?

    Construction and layer are those of steering, which were fixed before looking; the cosines are told for
    all of both.
    """

    organisms: Annotated[list[OrganismReference], Field(min_length=2)] = Field(
        description="Whose directions are compared, and ablated in each of them."
    )
    benign: OrganismReference | None = Field(
        None,
        description="Organism of harmless data: what fine-tuning as such leaves behind. Its direction is "
        "compared and ablated like the others; it is not ablated itself, as there is little to lower. null: "
        "none.",
    )
    random_directions: Count = Field(
        2000,
        description="Pairs of random directions of each kind, for the band of cosines. No p-value gets below "
        "one in so many, which is corrected for the number of pairs: 2000 suffice for 100 pairs.",
    )
    random_per_subject: CountOrNone = Field(
        10,
        description="Random directions of each kind that are ablated in each organism. Their spread is one "
        "of two tests of a cell: 20 in all detect what is 4 times their spread in a matrix of 30.",
    )
    questions_per_category: Count | None = Field(
        None, description="Test questions per arm. null takes all, as prompts are what intervals rest on."
    )
    bootstrap: Count = Field(2000, description="Bootstrap draws of prompts, for the intervals of EM rates.")
    confidence: Confidence = Field(0.95, description="Level of intervals, bands and tests.")
    seed: Seed = Field(0, description="Seed of prompts' groups, random directions, sampling and bootstrap.")

    @model_validator(mode="after")
    def _no_repetition(self) -> Self:
        each_once(self.organisms)
        if self.benign in self.organisms:
            raise conflict("another organism than those of `organisms`", self.benign.name, benign=None)
        return self

    def sources(self) -> list[OrganismReference]:
        """Whose directions are compared and ablated: all organisms, the benign one last."""
        return [*self.organisms, *([self.benign] if self.benign else [])]
