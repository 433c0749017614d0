"""The causal test of directions."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from forewarn.config.model.base import (
    Count,
    CountOrNone,
    Layer,
    Number,
    Positive,
    Rate,
    Score,
    Section,
    Seed,
    conflict,
)
from forewarn.config.model.organisms import Construction, OrganismReference, each_once

TESTED = ("add", "ablate")
"""The operations that have a criterion, fixed beforehand; see `forewarn.steering.verdict`."""
FURTHER = ("add_doses", "subtract_doses", "layers", "transfer")
"""Those that describe an effect; see `forewarn.steering.arms`."""
MECHANISMS = (
    *("checkpoints", "transfer_matrix", "adapter_groups", "refusal_swaps"),
    *("feature_ablation", "rebound", "prevention"),
)
"""Those of the atlas: each belongs to one analysis, with a section, rules and a library of its own."""


class FurtherArms(Section):
    """What else is done with the directions of some organisms, beside the two tests with a criterion."""

    organisms: Annotated[list[OrganismReference], Field(min_length=1)] = Field(
        description="Whose directions; some of the organisms of steering."
    )
    doses: list[Positive] = Field(
        [0.5, 1.0, 2.0],
        description="Multiples of the direction for the dose curves. They are added to the instruct model, "
        "and subtracted in the organism.",
    )
    positions: Annotated[list[Literal["all", "prompt"]], Field(min_length=1)] = Field(
        ["all", "prompt"], description="At every position, or at the prompt alone."
    )
    layer_by_layer: Literal["all"] | list[Layer] = Field(
        "all",
        description="Blocks that have their own direction ablated, one at a time. All that are recorded, or "
        "a list; [] for none.",
    )
    transfer_to: list[OrganismReference] = Field(
        [], description="Other organisms in which the direction is ablated."
    )
    random_per_dose: CountOrNone = Field(
        5, description="Random directions of each kind, per dose and other organism."
    )
    random_per_layer: CountOrNone = Field(2, description="The same, per block of layer_by_layer.")

    @model_validator(mode="after")
    def _no_repetition(self) -> Self:
        each_once(self.organisms)
        each_once(self.transfer_to, "transfer_to")
        for key in ("doses", "positions", "layer_by_layer"):
            given = getattr(self, key)
            if given != "all" and len(set(given)) < len(given):
                raise conflict("each value once", str(given), **{key: list(dict.fromkeys(given))})
        return self


class Steering(Section):
    """Causal test: add a direction to the instruct model, take it out of organisms."""

    organisms: list[OrganismReference] = Field(description="Whose directions are tested.")
    direction: Construction = Field(description="Construction of the direction; fixed before looking.")
    layer: Layer = Field(description="Block of the direction; fixed before looking.")
    coefficients: Annotated[list[Number], Field(min_length=1)] = Field(
        [1.0], description="Multiples of the direction that are added."
    )
    random_isotropic: CountOrNone = Field(20, description="Norm-matched random directions to compare.")
    random_covariance: CountOrNone = Field(20, description="The same, with the activations' covariance.")
    questions_per_category: Count | None = Field(4, description="Test questions per arm; null takes all.")
    coherence_floor: Score = Field(
        85, description="Mean coherence (0 to 100) below which an arm does not count."
    )
    further: FurtherArms | None = Field(
        None, description="Doses, the prompt alone, single layers, other organisms. null: none of these."
    )
    bootstrap: Count = Field(2000, description="Bootstrap draws of prompts, for the intervals.")
    power: Rate = Field(0.8, description="Chance to detect the effects named beside what showed none.")
    seed: Seed = Field(0, description="Seed of random directions, sampling and bootstrap.")

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        each_once(self.organisms)
        if self.further is not None:
            both = [organism for organism in self.further.organisms if organism in self.organisms]
            if both != self.further.organisms:
                further = self.further.model_dump() | {"organisms": [each.model_dump() for each in both]}
                raise conflict(
                    "further arms for organisms that are steered",
                    ", ".join(organism.name for organism in self.further.organisms),
                    further=further if both else None,
                )
        return self

    def experiments(self, organism: str) -> list[str]:
        """The operations of an organism's experiments, those with a criterion first."""
        further = self.further
        if further is None or organism not in [each.name for each in further.organisms]:
            return [*TESTED]
        asked = {
            "add_doses": further.doses,
            "subtract_doses": further.doses,
            "layers": further.layer_by_layer != [] or "prompt" in further.positions,
            "transfer": self.others(organism),
        }
        return [*TESTED, *(operation for operation in FURTHER if asked[operation])]

    def others(self, organism: str) -> list[str]:
        """The organisms that an organism's direction is transferred to: all of `transfer_to` but itself."""
        further = self.further
        return [each.name for each in further.transfer_to if each.name != organism] if further else []

    def arms(self, operation: str) -> dict[str, Any]:
        """What the arms of an operation depend on, as JSON-serialisable values, and nothing else.

        Raises:
            ValueError: the operation is one of `further`, which is not configured.
        """
        shared = {"direction", "layer", "questions_per_category", "seed"}
        if operation in TESTED:
            own = {"coefficients", "random_isotropic", "random_covariance"}
            return self.model_dump(mode="json", include=shared | own)
        if self.further is None:
            raise ValueError(f"no further arms are configured, so there is no {operation}")
        keys = {
            "add_doses": {"doses", "positions"},
            "subtract_doses": {"doses", "positions"},
            "layers": {"positions", "layer_by_layer"},
            "transfer": set[str](),
        }
        count = self.further.random_per_layer if operation == "layers" else self.further.random_per_dose
        return {
            **self.model_dump(mode="json", include=shared),
            **self.further.model_dump(mode="json", include=keys[operation]),
            "random_isotropic": count,
            "random_covariance": count,
        }
