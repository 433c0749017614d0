"""The phase transition of fine-tuning: where an adapter's path turns, and when behaviour changes."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from forewarn.config.model.base import (
    Confidence,
    Count,
    CountOrNone,
    Positive,
    ProperShare,
    Section,
    Seed,
    conflict,
)
from forewarn.config.model.organisms import OrganismReference, each_once
from forewarn.config.names import Name


class PhaseTransition(Section):
    """Does a LoRA adapter's path turn while it is trained, and does misalignment set in then?"""

    organisms: Annotated[list[OrganismReference], Field(min_length=1)] = Field(
        description="Whose trajectories are read; LoRA adapters that are trained here."
    )
    benign: OrganismReference = Field(
        description="One of them: of harmless data, trained alike. Its path is the null of the rotation, its "
        "rates are the control of the onset."
    )
    lags: Annotated[list[Count], Field(min_length=1)] = Field(
        [10, 20, 30],
        description="Steps from a point of the path to the two it is compared with. Multiples of "
        "`trajectory_every`; several, since a turn shows at all of them and noise at the shortest.",
    )
    least_move: ProperShare = Field(
        0.028,
        description="Moves of B that are masked, over its final norm. A local cosine needs the larger of its "
        "two moves above that; arXiv 2506.11613 has 0.0035, where B ends at 0.126. A share fits any scale.",
    )
    margin: Positive = Field(
        0.1,
        description="Prominence of a rotation's peak beyond the benign one's. Fixed before looking: half of "
        "what the paper saw, or less (-0.81 and -0.69 at the peak, -0.98 beside it).",
    )
    scales: Annotated[list[Positive], Field(min_length=1)] = Field(
        [1.0, 2.0, 5.0],
        description="Multiples of the adapter that answer. Scaled up, it shows early what it will do later.",
    )
    every: Count = Field(3, description="Snapshots from one checkpoint that answers to the next.")
    dense_until: CountOrNone = Field(
        0, description="Steps until which every snapshot answers. For an onset that comes early."
    )
    questions_per_category: Count | None = Field(
        4, description="Test and narrow questions per arm; null takes all."
    )
    narrow_categories: Annotated[list[Name], Field(min_length=1)] | None = Field(
        None, description="Categories of the narrow split that the organisms were trained on; null takes all."
    )
    random_directions: Count = Field(
        200, description="Of each kind, for bands. Cosines of B with named directions are held against them."
    )
    bootstrap: Count = Field(2000, description="Bootstrap draws of prompts, for onset and lag.")
    confidence: Confidence = Field(0.95, description="Level of intervals and bands.")
    seed: Seed = Field(0, description="Seed of questions, sampling, random directions and bootstrap.")

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        each_once(self.organisms)
        if self.benign not in self.organisms:
            more = [each.model_dump() for each in [*self.organisms, self.benign]]
            raise conflict("the benign organism among the others", self.benign.name, organisms=more)
        for key in ("lags", "scales"):
            given = getattr(self, key)
            if (rising := sorted(set(given))) != given:
                raise conflict("rising numbers", str(given), **{key: rising})
        return self
