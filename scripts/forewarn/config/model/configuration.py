"""The whole configuration: what there is, and which studies are made of it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from forewarn.config.model.base import Section
from forewarn.config.model.judges import Judge
from forewarn.config.model.models import Model
from forewarn.config.model.questions import Questions
from forewarn.config.model.study import Study
from forewarn.config.model.training import Adapter, Dataset
from forewarn.config.names import Name, nearest
from forewarn.config.references import REFERENCES, reference_problems
from forewarn.errors import StudyError

Way = Literal["full", "released", "prevented"]


class Ledger(Section):
    """What the ledger between Snakemake and DVC does."""

    environment: Literal["report", "rerun"] = Field(
        "report",
        description="Artifacts made with other package versions or on another device: report, or rerun.",
    )


class Configuration(Section):
    """Everything that config.yaml says; an instance has no dangling reference."""

    models: dict[Name, Model] = Field(
        description="Models under study. A model is made here (world), read from a folder or fetched from "
        "the hub; its name is the folder of its results."
    )
    datasets: dict[Name, Dataset] = Field(
        description="Narrow fine-tuning data. One dataset of bad advice makes an organism, its good twin "
        "the control."
    )
    adapters: dict[Name, Adapter] = Field(description="LoRA adapters and how they are trained.")
    question_sets: dict[Name, Questions] = Field(description="Questions that models answer.")
    judges: dict[Name, Judge] = Field(
        description="What scores an answer's alignment and coherence. Misaligned means: alignment below, "
        "and coherence above, its thresholds."
    )
    studies: dict[Name, Study] = Field(
        description="What to do, for each model: organisms to raise, and measurements on them. A study "
        "has the name of its model; its organisms are called dataset-adapter-seedN."
    )

    ledger: Ledger = Field(default_factory=Ledger, description="The record of what made each artifact.")

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        problems = reference_problems(self.model_dump())
        if problems:
            raise PydanticCustomError(REFERENCES, "{text}", {"text": "\n".join(map(str, problems))})
        return self

    def organism(self, model: str, name: str) -> tuple[str, str, int]:
        """The dataset, adapter and training seed of the organism `name` in the study of `model`.

        Raises:
            StudyError: the configuration has no study of that model, or the study no such organism.
        """
        if model not in self.studies:
            raise StudyError(
                f"there is no study of a model named {model!r}; nearest: {nearest(model, self.studies, 0)}",
                f"ask for one of {', '.join(self.studies) or 'none'}, or add it under studies in config.yaml",
            )
        organisms = {organism.name: organism for organism in self.studies[model].organism_references()}
        if name not in organisms:
            raise StudyError(
                f"the study {model} raises no organism {name!r}; nearest: {nearest(name, organisms, 0)}",
                f"ask for one of {', '.join(organisms)}, or add it under studies.{model}.organisms",
            )
        found = organisms[name]
        return found.dataset, found.adapter, found.seed

    def organisms_by(self, way: Way) -> list[str]:
        """Names of the organisms of all studies that come about in one way, not by plain training of LoRA.

        Fine-tuned in full, released by others, or trained with a direction added (`prevented`).
        """
        found = {
            organism.name: None
            for study in self.studies.values()
            for organism in study.organism_references()
            if self._is(organism.dataset, self.adapters[organism.adapter], way)
        }
        return list(found)

    @staticmethod
    def _is(dataset: str, adapter: Adapter, way: Way) -> bool:
        if way == "full":
            return adapter.method == "full"
        if way == "prevented":
            return adapter.preventative is not None
        return any(released.dataset == dataset for released in adapter.released)
