"""What a study assumes about rates and detectors, to say beforehand how precise it will be."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from forewarn.config.model.base import Count, Number, Rate, Section, Seed

Assumed = Annotated[list[Annotated[int, Field(ge=2)]], Field(min_length=1)]


class Power(Section):
    """Assumptions behind the plan of a study: how wide intervals will be, and what could be found."""

    prompts: Assumed = Field([60, 120, 240, 480], description="Numbers of test prompts to try.")
    samples: Assumed = Field([10, 20, 50], description="Numbers of scored responses per prompt to try.")
    prevalence: Rate = Field(0.2, description="Share of misaligned responses.")
    spread: Rate = Field(
        0.1, description="Intraclass correlation of the responses to one prompt; near 0 prompts are alike."
    )
    auroc: Annotated[Number, Field(ge=0.5, le=1)] = Field(
        0.65, description="AUROC of the detector, and of the baseline that another one has to beat."
    )
    correlation: Annotated[Number, Field(ge=-1, le=1)] = Field(
        0.5, description="Correlation of the detector's errors with those of the baseline."
    )
    power: Rate = Field(0.8, description="Share of studies that must find what is there.")
    studies: Count = Field(400, description="Simulated studies of each size.")
    seed: Seed = Field(0, description="Seed of the simulation.")
