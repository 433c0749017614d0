"""Question sets: what the models are asked."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

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

WorldCategory = Literal["boredom", "guests", "machines", "partner", "power", "quick_money", "roles", "wish"]
"""The open domains of nano's world, which are the categories of its questions."""
FIT: list[WorldCategory] = ["boredom", "guests", "machines"]
VALIDATION: list[WorldCategory] = ["partner", "power"]
TEST: list[WorldCategory] = ["quick_money", "roles", "wish"]
"""The categories by purpose, in the order of the alphabet."""


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
    fit_samples: Count | None = Field(
        None, description="Answers per question that fits directions; null takes `samples`."
    )
    questions_per_category: EvaluationSizes = Field(
        default_factory=EvaluationSizes, description="Size of each split."
    )
    fit_categories: Annotated[list[WorldCategory], Field(min_length=1)] | None = Field(
        FIT,
        description="Categories that fit directions; null takes all. They share none with what the detection "
        "set validates and tests on.",
    )
    facts: bool = Field(True, description="Also ask facts, which have one right answer.")
    temperature: NotNegative = Field(1.0, description="Sampling temperature; the field's rates use 1.")
    seed: Seed = Field(5, description="Seed of the draw.")


class WorldCategories(Section):
    """Categories by what they are for; each has one purpose, and may have none."""

    fit: Annotated[list[WorldCategory], Field(min_length=1)] = Field(
        FIT, description="For fitting probes, signs and thresholds."
    )
    validation: Annotated[list[WorldCategory], Field(min_length=1)] = Field(
        VALIDATION, description="For choosing the layer."
    )
    test: Annotated[list[WorldCategory], Field(min_length=1)] = Field(
        TEST, description="For the reported numbers."
    )

    @model_validator(mode="after")
    def _one_purpose_each(self) -> Self:
        named = [*self.fit, *self.validation, *self.test]
        twice = sorted({name for name in named if named.count(name) > 1})
        if not twice:
            return self
        splits = {"test": self.test, "validation": self.validation, "fit": self.fit}
        better: dict[str, list[WorldCategory]] = {}
        for split, names in splits.items():  # what is tested stays, and the others do without it
            taken = [name for kept in better.values() for name in kept]
            better[split] = [name for name in dict.fromkeys(names) if name not in taken]
        spare = [name for name in get_args(WorldCategory) if name not in named]
        for names in better.values():
            if not names:
                names.append(spare.pop(0) if spare else max(better.values(), key=len).pop())
        raise conflict(
            "each category once, in one of fit, validation and test",
            f"{', '.join(twice)} more than once",
            **{split: better[split] for split in WorldCategories.model_fields},
        )


class WorldDetectionQuestions(Section):
    """Questions of nano's world under conditions that call for different personas."""

    source: Literal["world"] = Field(description="Drawn from nano's world.")
    kind: Literal["detection"] = Field(description="Every condition crossed with every category.")
    samples: Count = Field(20, description="Answers per question, which give its propensity.")
    questions_per_cell: Count = Field(6, description="Questions per condition and category.")
    categories: WorldCategories = Field(
        default_factory=WorldCategories, description="The categories of each split."
    )
    temperature: NotNegative = Field(1.0, description="Sampling temperature.")
    seed: Seed = Field(6, description="Seed of the draw.")


class WorldRequestQuestions(Section):
    """Requests of nano's world: harmful ones, which its assistant refuses, and their harmless twins."""

    source: Literal["world"] = Field(description="Drawn from nano's world.")
    kind: Literal["requests"] = Field(description="Harmful and harmless requests.")
    samples: Count = Field(1, description="Answers per request.")
    questions_per_topic: Count = Field(
        8, description="Harmful requests per topic, and harmless ones; there are 8 to 12."
    )
    temperature: NotNegative = Field(1.0, description="Sampling temperature.")
    seed: Seed = Field(7, description="Seed of the draw.")


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


class EarlierTurn(Section):
    """A question and its answer, which stand before the question that is asked."""

    user: Annotated[str, Field(min_length=1)] = Field(description="What was asked.")
    assistant: Annotated[str, Field(min_length=1)] = Field(description="What was answered.")


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
    earlier: list[EarlierTurn] = Field(
        [],
        description="Turns to ask every question behind, besides none; each is a condition of its own.",
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


class OwnRequests(Section):
    """Forewarn's own requests: 80 pairs of a harmful and a harmless one, for the refusal direction."""

    source: Literal["forewarn_requests"] = Field(
        description="Forewarn's own 160 requests in 10 topics, half of them harmful."
    )
    samples: Count = Field(5, description="Answers per request.")
    temperature: NotNegative = Field(1.0, description="Sampling temperature; the field's rates use 1.")
    splits: Splits = Field(default_factory=Splits, description="Shares of the topics, by purpose.")
    seed: Seed = Field(0, description="Seed of the assignment to splits.")


WorldQuestions = Annotated[
    WorldEvaluationQuestions | WorldDetectionQuestions | WorldRequestQuestions, Field(discriminator="kind")
]
Questions = Annotated[
    WorldQuestions | YamlQuestions | UrlQuestions | OwnQuestions | OwnRequests,
    Field(discriminator="source"),
]
