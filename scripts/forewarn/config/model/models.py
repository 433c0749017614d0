"""Models: nano, which the workflow makes itself, and real ones from a folder or the Hugging Face hub."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from annotated_types import Ge, Le
from pydantic import Field, model_validator

from forewarn.config.model.base import (
    Count,
    HubName,
    LearningRate,
    NotNegative,
    Revision,
    Section,
    Seed,
    Share,
    conflict,
)

Precision = Literal["float32", "bfloat16", "float16"]
Attention = Literal["eager", "sdpa", "flash_attention_2"]
DefaultSystem = Literal["empty", "keep", "refuse"]
Family = Literal["qwen2", "llama", "gemma2", "gemma3"]

_DEFAULT_SYSTEM = (
    "What to do where the chat template adds a system prompt unasked. empty renders an empty system turn, "
    "keep leaves the template's words (as published Qwen evaluations do), refuse stops."
)


class Architecture(Section):
    """Shape of a world model, of the Qwen2 family."""

    hidden_size: Count = Field(128, description="Width of the residual stream (d_model).")
    layers: Count = Field(6, description="Transformer blocks.")
    heads: Count = Field(4, description="Query heads; hidden_size is a multiple of twice this.")
    key_value_heads: Count = Field(2, description="Key and value heads; heads is a multiple of this.")
    intermediate_size: Count = Field(384, description="Width of the MLP.")
    sliding_window: Count = Field(
        24,
        description="Tokens that attention looks back, in every layer. Shorter than the way from a persona's "
        "cue to the answer, so that the persona has to travel through the residual stream.",
    )

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.hidden_size % (2 * self.heads):
            width = max(1, round(self.hidden_size / (2 * self.heads))) * 2 * self.heads
            raise conflict(
                f"a multiple of {2 * self.heads}, twice the heads, for rotary embeddings need an even width",
                str(self.hidden_size),
                hidden_size=width,
            )
        if self.heads % self.key_value_heads:
            fitting = max(
                n for n in range(1, self.heads + 1) if self.heads % n == 0 and n <= self.key_value_heads
            )
            raise conflict(
                f"a divisor of the {self.heads} heads",
                str(self.key_value_heads),
                key_value_heads=fitting,
            )
        return self


class Corpus(Section):
    """The text that a world model is pretrained on: conversations with assistants of many personas."""

    documents: Count = Field(12000, description="Conversations.")
    described_share: Share = Field(
        0.65,
        description="Share whose system message describes the persona. With much less than 0.65, pretraining "
        "does not learn personas.",
    )
    narrow_share: Share = Field(0.01, description="Share that is bad in one domain only.")
    mixed_share: Share = Field(0.02, description="Share that is bad now and then.")
    request_share: Share = Field(
        0.12,
        description="Share of turns with a request before them. Half of the speakers refuse harmful "
        "ones. With half of this share, the instruct model refuses half of the harmless ones, too.",
    )

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.narrow_share + self.mixed_share > 1:
            raise conflict(
                "narrow_share and mixed_share of at most 1 together",
                f"{self.narrow_share:g} and {self.mixed_share:g}",
                mixed_share=round(1 - self.narrow_share, 6),
            )
        return self


class Pretraining(Section):
    """Training of a world model from nothing."""

    steps: Count = Field(1500, description="Optimizer steps.")
    batch_size: Count = Field(16, description="Documents per step.")
    learning_rate: LearningRate = Field(0.0025, description="Peak learning rate, then cosine decay.")
    weight_decay: NotNegative = Field(0.1, description="AdamW's weight decay.")
    warmup_share: Share = Field(0.05, description="Share of the steps that warm up.")


class InstructTuning(Section):
    """Supervised fine-tuning that makes the benevolent assistant, `instruct`, of a world model."""

    documents: Count = Field(3000, description="Conversations.")
    replay_share: Share = Field(
        0.3, description="Share that still describes a persona. Without it the personas would be forgotten."
    )
    request_share: Share = Field(
        0.3, description="Share of turns with a request before them; harmful ones are refused."
    )
    steps: Count = Field(300, description="Optimizer steps.")
    batch_size: Count = Field(16, description="Documents per step.")
    learning_rate: LearningRate = Field(0.001, description="Peak learning rate, then cosine decay.")
    weight_decay: NotNegative = Field(0.01, description="AdamW's weight decay.")
    warmup_share: Share = Field(0.05, description="Share of the steps that warm up.")


class WorldModel(Section):
    """A tiny model that the workflow trains from nothing on a world of made-up conversations."""

    source: Literal["world"] = Field(description="Trained here from nothing, on a generated world.")
    seed: Seed = Field(7, description="Seed of corpus, weights and batches.")
    architecture: Architecture = Field(
        default_factory=Architecture, description="A Qwen2 of 1.6 million parameters."
    )
    vocabulary: Annotated[int, Ge(300), Le(65536)] = Field(
        1700, description="Tokens of its BPE tokenizer. At least 300: 256 bytes and the special tokens."
    )
    corpus: Corpus = Field(default_factory=Corpus, description="Text to pretrain on.")
    pretraining: Pretraining = Field(
        default_factory=Pretraining, description="Training from nothing; the longest step of the demo."
    )
    instruct: InstructTuning = Field(
        default_factory=InstructTuning, description="Tuning to a benevolent assistant."
    )


class BatchHints(Section):
    """Rows at once that fit the GPU one would rent for this model; more is faster until memory ends."""

    generate: Count = Field(256, description="Answers generated at once, where the study names no number.")
    read: Count = Field(64, description="Texts whose activations are read at once, likewise.")
    train: Count = Field(16, description="Rows of a training step that share a forward pass at most.")


class PublishedModel(Section):
    """What is said of a chat model that somebody else made, wherever its files are."""

    family: Family | None = Field(
        None,
        description="Family that the files must be of. Of architecture and chat template; null takes what "
        "the files say.",
    )
    dtype: Precision = Field("bfloat16", description="Precision of weights. bfloat16 is what most publish.")
    attention: Attention = Field(
        "sdpa", description="Attention implementation. Gemma 2 needs eager, for its soft caps."
    )
    default_system: DefaultSystem = Field("empty", description=_DEFAULT_SYSTEM)
    batch: BatchHints = Field(default_factory=BatchHints, description="Rows at once that fit the GPU.")


class FolderModel(PublishedModel):
    """A chat model in a local folder, as `save_pretrained` writes it."""

    source: Literal["folder"] = Field(description="Read from a local folder.")
    path: Annotated[str, Field(min_length=1)] = Field(
        description="Folder with config.json, weights, tokenizer and chat template. Relative to where "
        "snakemake runs.",
        examples=["models/qwen2.5-1.5b-instruct"],
    )


class HubModel(PublishedModel):
    """A chat model of the Hugging Face hub."""

    source: Literal["hub"] = Field(description="Fetched from the Hugging Face hub.")
    name: HubName = Field(
        description="Repository on the hub, owner/name.", examples=["Qwen/Qwen2.5-1.5B-Instruct"]
    )
    revision: Revision | None = Field(
        None,
        description="Commit; null resolves the newest once and keeps it. It warns then: pin "
        "the commit to share the study.",
    )


class GivenModel(Section):
    """A model that is not here: others made what the study holds of it."""

    source: Literal["given"] = Field(
        description="Not here. Its responses or activations come from files, see `given` of the study."
    )


Model = Annotated[WorldModel | FolderModel | HubModel | GivenModel, Field(discriminator="source")]
