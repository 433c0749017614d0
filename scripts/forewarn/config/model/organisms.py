"""Organisms by name, and the directions that are built from them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from forewarn.config.model.base import Section, Seed, conflict
from forewarn.config.names import Name, organism_name

Construction = Literal[
    "organism_minus_instruct.last_prompt_token",
    "organism_minus_instruct.answer_mean",
    "misaligned_minus_aligned.answer_mean",
    "misaligned_minus_aligned.last_prompt_token",
]
"""How a direction is built; the file of an organism's directions holds one tensor under each name."""


class OrganismReference(Section):
    """One organism: a dataset, an adapter and a training seed."""

    dataset: Name = Field(description="A name under datasets.")
    adapter: Name = Field(description="A name under adapters.")
    seed: Seed = Field(description="Training seed.")

    @property
    def name(self) -> str:
        """`{dataset}-{adapter}-seed{seed}`, as in paths."""
        return organism_name(self.dataset, self.adapter, self.seed)


def each_once(organisms: list[OrganismReference], key: str = "organisms") -> None:
    """Refuse a list under `key` that names an organism twice."""
    once = {organism.name: organism.model_dump() for organism in organisms}
    if len(once) < len(organisms):
        names = ", ".join(organism.name for organism in organisms)
        raise conflict("each organism once", names, **{key: list(once.values())})
