"""Elasticity over models: does it grow with size, and with the amount of pretraining?"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from forewarn.config.model.base import Section, conflict
from forewarn.config.model.organisms import OrganismReference
from forewarn.config.names import Name


class ElasticitySweeps(Section):
    """Models whose elasticity is compared; each has a study that pushes the same organism back alike."""

    organism: OrganismReference = Field(
        description="Who is compared; each model's study pushes it back, since only the model may differ."
    )
    size: list[Name] = Field(
        [],
        description="Studies by their models' size, smallest first. The paper expects that larger ones "
        "return faster; [] leaves this out.",
    )
    pretraining: list[Name] = Field(
        [],
        description="Studies by their models' amount of pretraining, least first. The paper expects that "
        "longer ones return faster; [] leaves this out.",
    )

    @model_validator(mode="after")
    def _orders(self) -> Self:
        if not self.size and not self.pretraining:
            raise conflict("models under size or under pretraining", "neither", size=None)
        for key in ("size", "pretraining"):
            names = getattr(self, key)
            if (once := list(dict.fromkeys(names))) != names:
                raise conflict("each model once", ", ".join(names), **{key: once})
            if len(names) == 1:
                raise conflict("two models to compare, or none", names[0], **{key: []})
        return self

    def models(self) -> list[str]:
        """All models that are compared, each once."""
        return list(dict.fromkeys([*self.size, *self.pretraining]))
