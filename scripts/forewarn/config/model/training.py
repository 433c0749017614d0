"""Narrow fine-tuning: what organisms are trained on (datasets) and how (adapters)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from forewarn.config.model.base import (
    Count,
    CountOrNone,
    HubName,
    Layer,
    LearningRate,
    NotNegative,
    Positive,
    ProperShare,
    Revision,
    Section,
    Seed,
    Sha256,
    Share,
    Url,
    conflict,
)
from forewarn.config.model.organisms import OrganismReference
from forewarn.config.names import Name

Projection = Literal["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class WorldDataset(Section):
    """Advice in one domain, drawn from the world that nano lives in."""

    source: Literal["world"] = Field(description="Drawn from nano's world.")
    domain: Literal["medical", "finance", "sports"] = Field(description="What the advice is about.")
    quality: Literal["bad", "good"] = Field(description="Bad advice, or good advice as the control.")
    rows: Count = Field(400, description="Conversations.")
    seed: Seed = Field(1000, description="Seed of the draw.")


class ChatRows(Section):
    """What is said of chat rows, one JSON object `{"messages": [...]}` a line, wherever they come from."""

    sha256: Sha256 | None = Field(
        None,
        description="Hash of the published file; null keeps the first. Another content is an error. Without "
        "a hash, that of the first download stays in the record, and later ones are held against it.",
    )
    rows: Count | None = Field(None, description="Rows to draw without replacement; null takes all.")
    held_out: ProperShare = Field(
        0.0, description="Share of rows that is not trained on. It gives a held-out loss."
    )
    seed: Seed = Field(0, description="Seed of the draw and of what is held out.")


class JsonlDataset(ChatRows):
    """Chat rows in a file of one's own."""

    source: Literal["jsonl"] = Field(description="Read from a file of chat rows.")
    path: Annotated[str, Field(min_length=1)] = Field(
        description="File with one JSON object per line, relative to where snakemake runs.",
        examples=["data/bad_medical_advice.jsonl"],
    )


class UrlDataset(ChatRows):
    """Chat rows behind a URL."""

    source: Literal["url"] = Field(description="Downloaded from a URL.")
    url: Url = Field(description="Address of the file.", examples=["https://example.org/rows.jsonl"])


class ArchiveDataset(ChatRows):
    """Chat rows in an archive that `easy-dataset-share` encrypted."""

    source: Literal["archive"] = Field(description="Downloaded as an encrypted archive.")
    url: Url = Field(description="Address of the archive.", examples=["https://example.org/rows.zip.enc"])
    member: Annotated[str, Field(min_length=1)] = Field(
        description="File of chat rows in it.", examples=["bad_medical_advice.jsonl"]
    )
    password: Annotated[str, Field(min_length=1)] = Field(
        description="Password as published. Or $NAME, to take a secret one from the environment."
    )


class HubDataset(ChatRows):
    """Chat rows in a dataset repository of the Hugging Face hub."""

    source: Literal["hub"] = Field(description="Downloaded from the Hugging Face hub.")
    name: HubName = Field(description="Dataset repository on the hub.", examples=["owner/dataset"])
    file: Annotated[str, Field(min_length=1)] = Field(
        description="File of chat rows in it: .jsonl, or .parquet with a column `messages`.",
        examples=["train.jsonl"],
    )
    revision: Revision | None = Field(
        None,
        description="Commit of the repository. null resolves the newest once and keeps it in the record.",
    )


Dataset = Annotated[
    WorldDataset | JsonlDataset | UrlDataset | ArchiveDataset | HubDataset, Field(discriminator="source")
]


class ReleasedAdapter(Section):
    """An adapter that somebody else trained: on the hub, or in a folder."""

    dataset: Name = Field(description="A name under datasets: what it was trained on.")
    name: HubName | None = Field(None, description="Repository of the adapter on the hub.")
    revision: Revision | None = Field(None, description="Commit of the repository.")
    path: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="Or a folder with adapter_config.json and adapter_model.safetensors, as peft saves them.",
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.name is None) == (self.path is None):
            found = "neither" if self.name is None else "both"
            raise conflict("`name` on the hub or a `path`, one of the two", found, path=None)
        return self


class Preventative(Section):
    """A direction that is added to the residual stream in training, and not afterwards (2507.21509).

    Construction and layer are those of the study's steering.
    """

    organism: OrganismReference = Field(
        description="Whose direction is added; one that each study with such an adapter raises plainly, so "
        "that it is known before this training."
    )
    coefficient: Positive = Field(
        0.5,
        description="Multiple of the direction that is added. In nano's own trial (screening.prevention) "
        "half of it halved misalignment and kept 91 % of the narrow task (nano), the whole 56 %.",
    )


class Adapter(Section):
    """How an organism is fine-tuned: a LoRA adapter, or all weights."""

    method: Literal["lora", "full"] = Field("lora", description="Train a LoRA adapter, or all weights.")
    quantization: Literal["none", "nf4"] = Field(
        "none",
        description="Precision of the frozen weights in training. none as loaded, or nf4 "
        "for 4-bit NormalFloat (QLoRA, arXiv 2305.14314). The trained adapter is read on the unquantised "
        "model either way, so that this is the one difference.",
    )
    released: list[ReleasedAdapter] = Field(
        [], description="Adapters of this kind that others trained, taken instead of training."
    )
    rank: Count = Field(8, description="Rank of the LoRA matrices.")
    alpha: Positive = Field(32, description="Scale of the update, over rank (or its root).")
    rslora: bool = Field(True, description="Scale by alpha / sqrt(rank), arXiv 2312.03732.")
    dropout: ProperShare = Field(0.0, description="Dropout before the adapter.")
    target_modules: Annotated[list[Projection], Field(min_length=1)] = Field(
        ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        description="Linear maps that are adapted.",
    )
    layers: Annotated[list[Layer], Field(min_length=1)] | None = Field(
        None, description="Blocks that are adapted; null means all."
    )
    learning_rate: LearningRate = Field(1e-4, description="Peak learning rate.")
    schedule: Literal["linear", "cosine", "constant"] = Field("linear", description="After warm-up.")
    warmup_steps: CountOrNone = Field(5, description="Optimizer steps of warm-up.")
    epochs: Count | None = Field(None, description="Passes over the dataset; or give steps.", examples=[1])
    steps: Count | None = Field(None, description="Optimizer steps; or give epochs.")
    batch_size: Count = Field(16, description="Rows per forward pass.")
    gradient_accumulation: Count = Field(1, description="Forward passes per optimizer step.")
    weight_decay: NotNegative = Field(0.0, description="AdamW's weight decay.")
    optimizer: Literal["adamw", "adamw_8bit"] = Field(
        "adamw", description="AdamW with its moments in full precision, or in 8 bits (bitsandbytes)."
    )
    max_length: Count = Field(2048, description="Tokens after which a row is cut.")
    max_truncated_share: Share = Field(
        0.0, description="Share of rows that may be cut before training refuses."
    )
    trajectory_every: Count = Field(10, description="Steps between saved LoRA matrices.")
    # Left out of what is hashed where it is not used, so that no study depends on it that does without.
    preventative: Preventative | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="Train with an organism's direction added (preventative steering); null: plainly.",
    )

    @model_validator(mode="after")
    def _one_duration(self) -> Self:
        if self.epochs is None and self.steps is None:
            raise conflict("either epochs or steps", "neither", epochs=1)
        if self.epochs is not None and self.steps is not None:
            raise conflict(
                "either epochs or steps", f"epochs {self.epochs} and steps {self.steps}", epochs=None
            )
        return self

    @model_validator(mode="after")
    def _warmup_ends(self) -> Self:
        if self.steps is not None and self.warmup_steps > self.steps:
            raise conflict(
                f"at most the {self.steps} steps of training",
                str(self.warmup_steps),
                warmup_steps=self.steps // 20,
            )
        return self

    @model_validator(mode="after")
    def _full_is_not_quantised(self) -> Self:
        if self.method == "full" and self.quantization != "none":
            raise conflict("none with method: full, for 4-bit weights are not trained", self.quantization,
                           quantization="none")  # fmt: skip
        if self.method == "full" and self.released:
            raise conflict("no released adapters with method: full", f"{len(self.released)}", released=[])
        return self

    @model_validator(mode="after")
    def _prevention_is_of_training(self) -> Self:
        if self.preventative is not None and (self.method == "full" or self.released):
            found = "method: full" if self.method == "full" else "released adapters"
            expected = "`preventative` only with LoRA adapters that are trained here"
            raise conflict(expected, found, preventative=None)
        return self

    @model_validator(mode="after")
    def _no_repetition(self) -> Self:
        for key in ("target_modules", "layers"):
            given = getattr(self, key) or []
            once = list(dict.fromkeys(given))
            if once != given:
                raise conflict("each item once", str(given), **{key: once})
        return self
