"""Detection for one organism: both targets, every detector."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from forewarn.detection.detector import Settings
from forewarn.detection.prompts import read_prompts
from forewarn.detection.readers import Reader, linear_detectors
from forewarn.detection.target import Found, Target, evaluate_target
from forewarn.errors import StudyError
from forewarn.geometry.adapter_direction import adapter_directions, as_detectors
from forewarn.geometry.constructions import NAMES
from forewarn.geometry.tensors import read_tensors

ESTIMAND = (
    "P(misaligned | prompt, model): how often the model misaligns on this prompt, read before it writes. "
    "A response counts as misaligned or not; incoherent and empty responses count as not, unscored ones "
    "not at all."
)
THEOREM = (
    "At the last prompt token the residual stream is a function of model and prompt, so all responses to "
    "one prompt share one projection and AUROC among them is 0.5 whatever the direction. Any AUROC above "
    "that comes from differences between prompts, and cannot exceed that of the prompts' true rates."
)
DESIGN = (
    "Prompts are the unit. Directions are fitted on plain questions of the split 'fit', and the probe and "
    "the text baselines on its prompts; signs are those of the constructions; the layer and the threshold "
    "of alarms are chosen on the split 'validation'; every figure is of the split 'test', whose categories "
    "are others."
)
PROJECTIONS = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("condition", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("detector", pa.string(), nullable=False),
        pa.field("layer", pa.int32(), nullable=False),
        pa.field("projection", pa.float64(), nullable=False),
        pa.field("n", pa.int64(), nullable=False),
        pa.field("n_misaligned", pa.int64(), nullable=False),
    ]
)
# The ceiling's points have the detector "oracle" and no layer.
ROC = pa.schema(
    [
        pa.field("target", pa.string(), nullable=False),
        pa.field("detector", pa.string(), nullable=False),
        pa.field("layer", pa.int32()),
        pa.field("threshold", pa.float64(), nullable=False),
        pa.field("fpr", pa.float64(), nullable=False),
        pa.field("tpr", pa.float64(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Inputs:
    """The artifacts that detection reads.

    Attributes:
        questions: the detection set.
        scores: of the responses to it, by target: "organism" and "instruct".
        activations: at the last prompt token on it, by reader: "organism", "instruct", and "benign", the
            organism of harmless data, if there is one.
        directions: of the organism.
        adapter: adapter_model.safetensors and adapter_config.json of the organism; empty without.
        training_prompts: the instruct model's activations over the fine-tuning prompts, or None.
        embeddings: sentence embeddings of the prompts, or None.
        refusal: the refusal direction of the instruct model and its summary, or None.
    """

    questions: Path
    scores: dict[str, Path]
    activations: dict[str, Path]
    directions: Path
    adapter: list[Path] = field(default_factory=list)
    training_prompts: Path | None = None
    embeddings: Path | None = None
    refusal: tuple[Path, Path] | None = None


def detect(
    inputs: Inputs, requested: list[str], settings: Settings
) -> tuple[dict[str, Any], pa.Table, pa.Table]:
    """Evaluate the organism's directions in the organism and in the instruct model.

    Args:
        inputs: the artifacts.
        requested: names of constructions.
        settings: how to measure.

    Returns:
        The summary, the projections (schema `PROJECTIONS`) and the ROC points (schema `ROC`). A
        construction that the organism lacks is reported as undefined, with the reason.

    Raises:
        StudyError: an input cannot be used, or a requested name is no construction.
    """
    unknown = [name for name in requested if name not in NAMES]
    if unknown:
        raise StudyError(f"there is no direction {unknown[0]!r}", f"choose among {', '.join(NAMES)}")
    tensors, layers = read_tensors(inputs.directions)
    held: dict[str, NDArray[Any]] = {name: tensors[name] for name in requested if name in tensors}
    if inputs.adapter and held:
        towards = next(iter(held.values()))
        held |= as_detectors(adapter_directions(*inputs.adapter), layers, towards)
    found: dict[str, Found] = {}
    for name, others in {"organism": ["instruct", "benign"], "instruct": []}.items():
        prompts = read_prompts(inputs.questions, inputs.scores[name])
        readers = [
            Reader(reader, inputs.activations[reader], prompts.keys())
            for reader in (name, *others)
            if reader in inputs.activations
        ]
        target = Target(prompts, readers, inputs.training_prompts, inputs.embeddings, inputs.refusal)
        found[name] = evaluate_target(target, linear_detectors(held, readers[0]), layers, settings)
        for lacking in (name for name in requested if name not in held):
            found[target.name].summary["detectors"][lacking] = {
                "auroc": None,
                "layer": None,
                "reason": f"{inputs.directions.name} lacks it; the summary beside that file says why",
            }
    summary = {
        "estimand": ESTIMAND,
        "theorem": THEOREM,
        "design": DESIGN,
        "layers": layers,
        "bootstrap": settings.bootstrap,
        "random_directions": settings.random_directions,
        "permutations": settings.permutations,
        "seed": settings.seed,
        "confidence": settings.confidence,
        "targets": {name: result.summary for name, result in found.items()},
    }
    projections = [row for result in found.values() for row in result.projections]
    points = [row for result in found.values() for row in result.roc]
    return (
        summary,
        pa.Table.from_pylist(projections, schema=PROJECTIONS),
        pa.Table.from_pylist(points, schema=ROC),
    )
