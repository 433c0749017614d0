"""Narrow fine-tuning: what organisms are trained on (datasets) and how (adapters)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from forewarn.config.model.base import (
    Count,
    CountOrNone,
    Layer,
    LearningRate,
    NotNegative,
    Positive,
    ProperShare,
    Section,
    Seed,
    Share,
    conflict,
)

Projection = Literal["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class WorldDataset(Section):
    """Advice in one domain, drawn from the world that nano lives in."""

    source: Literal["world"] = Field(description="Drawn from nano's world.")
    domain: Literal["medical", "finance", "sports"] = Field(description="What the advice is about.")
    quality: Literal["bad", "good"] = Field(description="Bad advice, or good advice as the control.")
    rows: Count = Field(400, description="Conversations.")
    seed: Seed = Field(1000, description="Seed of the draw.")


class JsonlDataset(Section):
    """Chat rows from a file: one JSON object `{"messages": [...]}` per line."""

    source: Literal["jsonl"] = Field(description="Read from a file of chat rows.")
    path: Annotated[str, Field(min_length=1)] = Field(
        description="File with one JSON object per line, relative to where snakemake runs.",
        examples=["data/bad_medical_advice.jsonl"],
    )
    rows: Count | None = Field(None, description="Rows to draw without replacement; null takes all.")
    seed: Seed = Field(0, description="Seed of the draw and the order.")


Dataset = Annotated[WorldDataset | JsonlDataset, Field(discriminator="source")]


class Adapter(Section):
    """A LoRA adapter and its training."""

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
    max_length: Count = Field(2048, description="Tokens after which a row is cut.")
    max_truncated_share: Share = Field(
        0.0, description="Share of rows that may be cut before training refuses."
    )
    trajectory_every: Count = Field(10, description="Steps between saved LoRA matrices.")

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
    def _no_repetition(self) -> Self:
        for key in ("target_modules", "layers"):
            given = getattr(self, key) or []
            once = list(dict.fromkeys(given))
            if once != given:
                raise conflict("each item once", str(given), **{key: once})
        return self
