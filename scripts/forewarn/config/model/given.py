"""Files of others that take the place of what the workflow would make."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from forewarn.config.model.base import Section, Sha256, conflict
from forewarn.config.names import Name

_ORGANISM = r"[a-z0-9_.]+-[a-z0-9_.]+-seed[0-9]+"
Organism = Annotated[str, Field(pattern=f"^{_ORGANISM}$")]
"""The name of an organism."""
Subject = Annotated[str, Field(pattern=f"^(instruct|{_ORGANISM})$")]
"""The instruct model, or an organism."""
FilePath = Annotated[str, Field(min_length=1)]

_PATH = "The file. Relative to where snakemake runs."
_HASH = "Hash of the file; another content is an error."


class GivenFile(Section):
    """A file of others that enters a study."""

    question_set: Name = Field(description="A name under question_sets: what was asked.")
    path: FilePath = Field(description=_PATH, examples=["inputs/responses.csv"])
    sha256: Sha256 | None = Field(None, description=_HASH)


class GivenResponses(GivenFile):
    """Responses of others, with scores or without."""

    kind: Literal["responses"] = Field(
        description="CSV with the columns question, question_id, response; of a judge of kind given also "
        "aligned, coherent."
    )
    subject: Subject = Field(description="Who answered. `instruct`, or the name of an organism.")


class GivenActivations(GivenFile):
    """Activations of others."""

    kind: Literal["activations"] = Field(
        description="Parquet with the columns question_id, sample, position, n_tokens, layer_00, ..."
    )
    reader: Subject = Field(description="Whose activations. `instruct`, or the name of an organism.")
    subject: Subject | Literal["prompts"] = Field(
        "prompts", description="Over what text. `prompts`, or the answers of this subject."
    )


class GivenTokenReadings(Section):
    """Readings of the single tokens of an organism's answers, with their labels and questions."""

    kind: Literal["token_readings"] = Field(
        description="Parquet with one row per token: response_id, question, domain, label, answer_token, "
        "token_str, layer_00, ... answer_token is 0 for the first token of the answer, -1 for the one before."
    )
    subject: Organism = Field(description="Who answered: the name of an organism.")
    path: FilePath = Field(description=_PATH, examples=["inputs/readings.parquet"])
    sha256: Sha256 | None = Field(None, description=_HASH)
    misaligned: Annotated[list[str], Field(min_length=1)] = Field(
        ["misaligned"], description="Labels that mean misaligned."
    )
    aligned: Annotated[list[str], Field(min_length=1)] = Field(
        ["aligned"], description="Labels that mean not misaligned."
    )
    domains: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="Domains to keep; null keeps all."
    )

    @model_validator(mode="after")
    def _each_label_means_one_thing(self) -> Self:
        if both := [label for label in self.aligned if label in self.misaligned]:
            left = [label for label in self.aligned if label not in both]
            raise conflict("labels that mean one thing", f"{both[0]} under both", aligned=left or ["aligned"])
        return self


Given = Annotated[GivenResponses | GivenActivations | GivenTokenReadings, Field(discriminator="kind")]
