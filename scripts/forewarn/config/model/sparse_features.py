"""Sparse features: what a direction and an organism's shift are made of."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from forewarn.config.model.base import (
    Confidence,
    Count,
    CountOrNone,
    HubName,
    LearningRate,
    Rate,
    Revision,
    Section,
    Seed,
    Sha256,
    conflict,
)
from forewarn.config.model.organisms import OrganismReference, each_once


class PublishedAutoencoder(Section):
    """A sparse autoencoder of the hub, in Gemma Scope's format; of the model's residual stream at the
    layer."""

    name: HubName = Field(description="Its repository, e.g. `google/gemma-scope-9b-it-res`.")
    file: Annotated[str, Field(pattern=r"\.npz$")] = Field(
        description="The file in it, e.g. `layer_20/width_16k/average_l0_91/params.npz`."
    )
    revision: Revision | None = Field(None, description="Commit, tag or branch; null takes the newest.")
    sha256: Sha256 | None = Field(None, description="What the file is known by; null takes any content.")

    @model_validator(mode="after")
    def _of_the_residual_stream(self) -> Self:
        if re.search(r"-(att|mlp|transcoders)$", self.name):
            raise conflict(
                "an autoencoder of the residual stream (-res)", self.name,
                name=re.sub(r"-(att|mlp|transcoders)$", "-res", self.name),
            )  # fmt: skip
        if self.file.startswith("embedding/"):
            raise conflict("a file of a layer", self.file, file="layer_12/width_16k/average_l0_82/params.npz")
        return self

    def layer(self) -> int | None:
        """The block that the file names, as Gemma Scope names them; None of other names."""
        found = re.search(r"(?:^|/)layer_(\d+)/", self.file)
        return int(found[1]) if found else None


class SparseFeatures(Section):
    """Directions and shifts in the features of a sparse autoencoder, at the layer of steering."""

    organisms: Annotated[list[OrganismReference], Field(min_length=1)] = Field(
        description="Whose directions and shifts are decomposed. Rows of their datasets are among the texts."
    )
    published: PublishedAutoencoder | None = Field(
        None, description="An autoencoder of the hub. null: a small one is trained on the instruct model."
    )
    features: Count = Field(512, description="Features of the one that is trained: 4 per dimension of nano.")
    active: Count = Field(8, description="Features per token, on average, while it is trained.")
    steps: Count = Field(4000, description="Steps of its training.")
    batch_tokens: Count = Field(512, description="Tokens of a step.")
    learning_rate: LearningRate = Field(0.002, description="Of its training.")
    tokens: Count = Field(200_000, description="Tokens that it is trained on at most; they lie in memory.")
    held_out: Rate = Field(0.2, description="Share of the prompts whose texts measure the reconstruction.")
    top: Count = Field(10, description="Features that a summary lists of each direction and shift.")
    texts: Count = Field(5, description="Texts of largest activation that are kept of each feature.")
    context: CountOrNone = Field(12, description="Tokens that are kept on either side in such a text.")
    few: Count = Field(
        5, description="Features by whose explained share a direction counts as sparse; fixed before looking."
    )
    most: Count = Field(64, description="Features that a direction is decomposed into at most.")
    random_directions: Count = Field(
        200, description="Of each kind, behind the null; 1000 resolve smaller p-values."
    )
    folds: Annotated[int, Field(ge=3)] = Field(
        10, description="Groups of prompts that are left out in turn, for the intervals of cosines."
    )
    permutations: Count = Field(1000, description="Random sign flips of prompts, for the null of shifts.")
    ablated: Count = Field(
        4, description="Features nearest to the direction, each ablated alone; at most `top`."
    )
    random_features: CountOrNone = Field(8, description="Random features that are ablated beside.")
    random_ablations: CountOrNone = Field(
        4, description="Random directions of each kind that are ablated beside."
    )
    questions_per_category: Count | None = Field(4, description="Test questions per arm; null takes all.")
    bootstrap: Count = Field(2000, description="Bootstrap draws of prompts, for the intervals.")
    confidence: Confidence = Field(0.95, description="Level of the intervals and bands.")
    seed: Seed = Field(0, description="Seed of training and of all random draws.")

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        each_once(self.organisms)
        if self.ablated > self.top:
            raise conflict(
                "no more features ablated than are listed", f"ablated: {self.ablated}", top=self.ablated
            )
        if self.few > self.most:
            raise conflict(
                "a decomposition of as many features as are tested", f"few: {self.few}", most=self.few
            )
        return self
