"""Question sets: what the models are asked."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from forewarn.config.model.base import (
    Count,
    CountOrNone,
    NotNegative,
    Section,
    Seed,
    Sha256,
    Share,
    Url,
    conflict,
)


class EvaluationSizes(Section):
    """Different questions that a world draws for each category, by split; a world has 4 to 21 of them."""

    fit: Count = Field(8, description="For fitting directions.")
    test: Count = Field(8, description="For the reported rates: wordings never used in narrow training.")
    unseen: CountOrNone = Field(4, description="In wordings unseen in every training phase.")
    narrow: CountOrNone = Field(4, description="In the domains of narrow training.")


class WorldEvaluationQuestions(Section):
    """Questions of nano's world for misalignment rates and directions."""

    source: Literal["world"] = Field(description="Drawn from nano's world.")
    kind: Literal["evaluation"] = Field(description="For rates and directions.")
    samples: Count = Field(5, description="Answers per question.")
    questions_per_category: EvaluationSizes = Field(
        default_factory=EvaluationSizes, description="Size of each split."
    )
    facts: bool = Field(True, description="Also ask facts, which have one right answer.")
    temperature: NotNegative = Field(1.0, description="Sampling temperature; the field's rates use 1.")
    seed: Seed = Field(5, description="Seed of the draw.")


class WorldDetectionQuestions(Section):
    """Questions of nano's world under conditions that call for different personas."""

    source: Literal["world"] = Field(description="Drawn from nano's world.")
    kind: Literal["detection"] = Field(description="Every condition crossed with every category.")
    samples: Count = Field(10, description="Answers per question, which give its propensity.")
    questions_per_cell: Count = Field(4, description="Questions per condition and category.")
    temperature: NotNegative = Field(1.0, description="Sampling temperature.")
    seed: Seed = Field(6, description="Seed of the draw.")


class Splits(Section):
    """Shares of the questions that fit directions, choose a layer, and are reported; their sum is 1."""

    fit: Share = Field(0.4, description="For fitting directions.")
    validation: Share = Field(0.2, description="For choosing the layer.")
    test: Share = Field(0.4, description="For the reported numbers.")

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        total = self.fit + self.validation + self.test
        if abs(total - 1) > 1e-6:
            fit, validation = (
                (0.4, 0.2) if total == 0 else (round(self.fit / total, 2), round(self.validation / total, 2))
            )
            raise conflict(
                "shares that add up to 1",
                f"a sum of {total:g}",
                fit=fit,
                validation=validation,
                test=round(max(0.0, 1 - fit - validation), 2),
            )
        return self


class ItemQuestions(Section):
    """What is said of questions in the YAML that the field shares (arXiv 2502.17424), wherever they are."""

    sha256: Sha256 | None = Field(None, description="Hash of the file; another content is an error.")
    formats: Annotated[list[Literal["plain", "json", "template"]], Field(min_length=1)] = Field(
        ["plain", "json", "template"], description="Variants to ask: as they are, as JSON, in a template."
    )
    systems: list[Annotated[str, Field(min_length=1)]] = Field(
        [],
        description="System prompts to ask every question under, besides none; each is a condition of its "
        "own. A family without a system role gets it before the question.",
    )
    samples: Count = Field(10, description="Answers per question.")
    temperature: NotNegative = Field(1.0, description="Sampling temperature; the field's rates use 1.")
    paraphrases: Count | None = Field(1, description="Paraphrases of each question; null takes all.")
    splits: Splits = Field(default_factory=Splits, description="Shares of the categories, by purpose.")
    seed: Seed = Field(0, description="Seed of the assignment to splits.")


class YamlQuestions(ItemQuestions):
    """Questions in a file of one's own."""

    source: Literal["yaml"] = Field(description="Read from a YAML file of questions.")
    path: Annotated[str, Field(min_length=1)] = Field(
        description="The file, relative to where snakemake runs.",
        examples=["questions/first_plot_questions.yaml"],
    )


class UrlQuestions(ItemQuestions):
    """Questions behind a URL."""

    source: Literal["url"] = Field(description="Downloaded from a URL.")
    url: Url = Field(description="Address of the file.", examples=["https://example.org/questions.yaml"])


class OwnQuestions(ItemQuestions):
    """Forewarn's own questions: 120 in 10 everyday categories, apart from all training data."""

    source: Literal["forewarn"] = Field(description="Forewarn's own 120 questions in 10 categories.")


WorldQuestions = Annotated[WorldEvaluationQuestions | WorldDetectionQuestions, Field(discriminator="kind")]
Questions = Annotated[
    WorldQuestions | YamlQuestions | UrlQuestions | OwnQuestions, Field(discriminator="source")
]
