"""Elasticity: does a model return when it is pushed back, and how fast?"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from forewarn.config.model.base import (
    Confidence,
    Count,
    CountOrNone,
    Positive,
    Section,
    Seed,
    conflict,
)
from forewarn.config.model.organisms import OrganismReference, each_once
from forewarn.config.names import Name


class Elasticity(Section):
    """Organisms are pushed back with rows of the opposite data. Do they return, and what returns first?"""

    organisms: Annotated[list[OrganismReference], Field(min_length=1)] = Field(
        description="Who is pushed; LoRA adapters that are trained here. A benign one, pushed with harmful "
        "rows, is the reversed direction."
    )
    opposites: dict[Name, Name] = Field(
        description="Dataset -> the dataset that its organisms are pushed with; one for each of theirs. An "
        "organism of the study is trained on it, so that its rows are formatted."
    )
    starts: Annotated[list[CountOrNone], Field(min_length=1)] = Field(
        description="Steps of its own training after which it is pushed. Its trajectory has them. "
        "Several, since the paper expects that more rows return faster."
    )
    rows: Annotated[list[CountOrNone], Field(min_length=2)] = Field(
        description="Rows of the opposite data, from 0; multiples of the adapter's batch."
    )
    seeds: Annotated[list[Seed], Field(min_length=1)] = Field(
        [0, 1, 2],
        description="Of the order of these rows. Three at least let the order over starts be tested.",
    )
    learning_rate: Positive | None = Field(
        None, description="Constant, since then one run passes through all points. null takes the adapter's."
    )
    resistance_steps: list[CountOrNone] = Field(
        [],
        description="Checkpoints that are trained on each other's answers. Two steps at least of an "
        "organism's own training, forward against back; [] leaves this out.",
    )
    resistance_rows: Count = Field(
        128, description="Rows of such a training; a multiple of the adapter's batch. Few, as in the rebound."
    )
    questions_per_category: Count | None = Field(4, description="Test questions per point; null takes all.")
    kl_tokens: Count = Field(
        16, description="Tokens of the instruct model's answer at which the divergence is read, at most."
    )
    text_rows: Count = Field(
        40,
        description="Rows of each dataset whose compression is read; the opposite ones are not trained on.",
    )
    random_directions: Count = Field(
        200,
        description="Of each kind; the displacement along the organism's direction is held against theirs.",
    )
    bootstrap: Count = Field(2000, description="Bootstrap draws of prompts and seeds.")
    confidence: Confidence = Field(0.95, description="Level of intervals and bands.")
    seed: Seed = Field(0, description="Seed of questions, sampling, random directions and bootstrap.")

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        each_once(self.organisms)
        if len(self.resistance_steps) == 1:
            raise conflict("two steps to compare, or none", str(self.resistance_steps), resistance_steps=[])
        for key in ("starts", "rows", "resistance_steps"):
            given = getattr(self, key)
            if (rising := sorted(set(given))) != given:
                raise conflict("rising numbers", str(given), **{key: rising})
        if self.rows[0] != 0:
            raise conflict("rows from 0 on", str(self.rows), rows=[0, *self.rows])
        if (once := list(dict.fromkeys(self.seeds))) != self.seeds:
            raise conflict("each seed once", str(self.seeds), seeds=once)
        for organism in self.organisms:
            if organism.dataset not in self.opposites:
                known = ", ".join(self.opposites) or "none"
                kept = [each.model_dump() for each in self.organisms if each.dataset in self.opposites]
                raise conflict(
                    f"an opposite for the dataset {organism.dataset}", known, organisms=kept if kept else None
                )
        return self
