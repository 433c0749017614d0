"""Screening of training data before training, and prevention during it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from forewarn.config.model.base import (
    Confidence,
    Count,
    CountOrNone,
    Positive,
    ProperShare,
    Rate,
    Section,
    Seed,
    conflict,
)
from forewarn.config.model.organisms import OrganismReference, each_once
from forewarn.config.names import Name


class Prevention(Section):
    """Does a direction that is added in training alone keep an organism from misalignment (2507.21509)?

    Construction and layer are those of steering.
    """

    organisms: Annotated[list[OrganismReference], Field(min_length=1)] = Field(
        description="Which are trained again, with the direction added; LoRA adapters that are trained here."
    )
    source: OrganismReference | None = Field(
        None,
        description="Whose direction is added. One of another dataset is known before this training; null "
        "takes each organism's own, which is known with hindsight alone.",
    )
    coefficients: Annotated[list[Positive], Field(min_length=1)] = Field(
        [0.5, 1.0, 2.0],
        description="Multiples of the direction that are added, one training run each, beside one without.",
    )
    random_isotropic: CountOrNone = Field(
        1, description="Training runs per multiple with a random direction of the same norm: the null."
    )
    random_covariance: CountOrNone = Field(1, description="The same, with the activations' covariance.")
    held_out: ProperShare = Field(
        0.1,
        description="Share of the rows that no run trains on, for a loss on the narrow task that is not "
        "learned by heart. Beyond those that the dataset holds out itself.",
    )
    questions_per_category: Count | None = Field(
        None, description="Test and narrow questions per arm; null takes all, as intervals rest on prompts."
    )
    narrow_categories: Annotated[list[Name], Field(min_length=1)] | None = Field(
        None, description="Categories of the narrow split that the organisms were trained on; null takes all."
    )

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        each_once(self.organisms)
        if (rising := sorted(set(self.coefficients))) != self.coefficients:
            raise conflict("rising numbers", str(self.coefficients), coefficients=rising)
        return self


class Screening(Section):
    """Do datasets give themselves away before training, and can a direction in training prevent the harm?

    The layer is steering's. Directions of every construction are used, and no verdict rests on one: p-values
    are corrected for all constructions and datasets together, rank correlations for the choice among
    constructions. The figure shows steering's construction; scores of trial runs on all of them had been
    seen when that was decided.
    """

    organisms: Annotated[list[OrganismReference], Field(min_length=2)] = Field(
        description="Their datasets are screened; their EM rates are held against the scores."
    )
    benign: Name | None = Field(
        None,
        description="The harmless one of their datasets; null: none. Its organisms lend no direction, and "
        "rows of the others are told apart from its rows.",
    )
    harmless: list[Name] = Field(
        [],
        description="Further harmless ones, which lend no direction either. They help "
        "the rank correlation, for which n datasets reach a p of 1 / n! at best.",
    )
    rows: Count = Field(
        200,
        description="Rows per dataset that are read, at most, evenly spread. Each needs an answer of the "
        "model, which is the cost; 200 bring the interval of a mean to a few tenths of its spread.",
    )
    answers_per_row: Count = Field(
        1, description="Answers of the instruct model to each row's prompt, whose mean a row is held against."
    )
    temperature: Positive = Field(1.0, description="Temperature of these answers; the field's rates use 1.")
    random_directions: Count = Field(
        2000,
        description="Of each kind, for the null. No p-value gets below one in so many, which is corrected "
        "for the number of datasets times constructions: 2000 allow for a hundred of these at the 5 % level.",
    )
    mixtures: list[Rate] = Field(
        [0.05, 0.1, 0.25, 0.5],
        description="Shares of a dataset's rows among benign ones, for the share that would be noticed.",
    )
    permutations: Count = Field(1000, description="Shufflings of labels within prompts, for AUROC's null.")
    bootstrap: Count = Field(2000, description="Bootstrap draws of prompts or rows, for the intervals.")
    confidence: Confidence = Field(0.95, description="Level of intervals, bands and tests.")
    seed: Seed = Field(0, description="Seed of all random draws, those of prevention among them.")
    prevention: Prevention = Field(description="Training with the direction added.")

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        each_once(self.organisms)
        datasets = list(dict.fromkeys(organism.dataset for organism in self.organisms))
        if self.benign is not None and self.benign not in datasets:
            raise conflict("a dataset of these organisms", self.benign, benign=None)
        if absent := [name for name in self.harmless if name not in datasets or name == self.benign]:
            left = [name for name in self.harmless if name not in absent]
            raise conflict("datasets of these organisms beside `benign`", ", ".join(absent), harmless=left)
        if not self.sources():
            raise conflict("organisms of misaligned data as well", "harmless data alone", benign=None)
        if self.mixtures != sorted(set(self.mixtures)):
            raise conflict("rising numbers", str(self.mixtures), mixtures=sorted(set(self.mixtures)))
        return self

    def datasets(self) -> list[str]:
        """The datasets that are screened, in the order of the organisms."""
        return list(dict.fromkeys(organism.dataset for organism in self.organisms))

    def sources(self) -> list[OrganismReference]:
        """Organisms whose directions are used: all of misaligned data."""
        harmless = {self.benign, *self.harmless}
        return [organism for organism in self.organisms if organism.dataset not in harmless]
