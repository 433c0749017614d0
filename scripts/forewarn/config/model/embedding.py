"""A model that turns a text into a vector: one of the baselines that see the prompt and not the model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from forewarn.config.model.base import HubName, Revision, Section


class FolderEmbedding(Section):
    """An encoder in a local folder, as `save_pretrained` writes it."""

    source: Literal["folder"] = Field(description="Read from a local folder.")
    path: Annotated[str, Field(min_length=1)] = Field(
        description="Folder with config.json, weights and tokenizer.json. Relative to where snakemake runs.",
        examples=["models/sentence-encoder"],
    )


class HubEmbedding(Section):
    """An encoder of the Hugging Face hub."""

    source: Literal["hub"] = Field(description="Fetched from the Hugging Face hub.")
    name: HubName = Field(
        description="Repository on the hub, owner/name.", examples=["sentence-transformers/all-MiniLM-L6-v2"]
    )
    revision: Revision | None = Field(
        None, description="Commit; null resolves the newest once and keeps it, with a warning."
    )


Embedding = Annotated[FolderEmbedding | HubEmbedding, Field(discriminator="source")]
