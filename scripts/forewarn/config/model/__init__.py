"""Typed sections of the configuration, by subject; `Configuration` holds them all."""

from forewarn.config.model.base import Section
from forewarn.config.model.configuration import Configuration
from forewarn.config.model.convergence import Convergence
from forewarn.config.model.given import GivenActivations, GivenResponses, GivenTokenReadings
from forewarn.config.model.judges import GivenJudge, Judge, LocalJudge, OpenAIJudge, WorldJudge
from forewarn.config.model.models import (
    Architecture,
    Attention,
    BatchHints,
    Corpus,
    FolderModel,
    GivenModel,
    HubModel,
    InstructTuning,
    Model,
    Precision,
    Pretraining,
    WorldModel,
)
from forewarn.config.model.organisms import Construction, OrganismReference
from forewarn.config.model.power import Power
from forewarn.config.model.questions import (
    EvaluationSizes,
    Questions,
    Splits,
    WorldDetectionQuestions,
    WorldEvaluationQuestions,
    WorldQuestions,
    YamlQuestions,
)
from forewarn.config.model.steering import FurtherArms, Steering
from forewarn.config.model.study import (
    Activations,
    Detection,
    Directions,
    OrganismGrid,
    Sampling,
    Study,
    StudyQuestions,
)
from forewarn.config.model.token_curve import TokenCurve
from forewarn.config.model.training import Adapter, Dataset, JsonlDataset, Projection, WorldDataset

__all__ = [
    "Activations",
    "Adapter",
    "Architecture",
    "Attention",
    "BatchHints",
    "Configuration",
    "Construction",
    "Convergence",
    "Corpus",
    "Dataset",
    "Detection",
    "Directions",
    "EvaluationSizes",
    "FolderModel",
    "FurtherArms",
    "GivenActivations",
    "GivenJudge",
    "GivenModel",
    "GivenResponses",
    "GivenTokenReadings",
    "HubModel",
    "InstructTuning",
    "JsonlDataset",
    "Judge",
    "LocalJudge",
    "Model",
    "OpenAIJudge",
    "OrganismGrid",
    "OrganismReference",
    "Power",
    "Precision",
    "Pretraining",
    "Projection",
    "Questions",
    "Sampling",
    "Section",
    "Splits",
    "Steering",
    "Study",
    "StudyQuestions",
    "TokenCurve",
    "WorldDataset",
    "WorldDetectionQuestions",
    "WorldEvaluationQuestions",
    "WorldJudge",
    "WorldModel",
    "WorldQuestions",
    "YamlQuestions",
]
