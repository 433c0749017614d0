"""Detection for one organism: both targets, every requested direction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from forewarn.detection.evaluation import Settings
from forewarn.detection.prompts import read_prompts
from forewarn.detection.target import Found, Target, evaluate_target
from forewarn.errors import StudyError
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
PROJECTIONS = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("condition", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("direction", pa.string(), nullable=False),
        pa.field("layer", pa.int32(), nullable=False),
        pa.field("projection", pa.float64(), nullable=False),
        pa.field("n", pa.int64(), nullable=False),
        pa.field("n_misaligned", pa.int64(), nullable=False),
    ]
)
ROC = pa.schema(
    [
        pa.field("target", pa.string(), nullable=False),
        pa.field("direction", pa.string(), nullable=False),
        pa.field("layer", pa.int32(), nullable=False),
        pa.field("threshold", pa.float64(), nullable=False),
        pa.field("fpr", pa.float64(), nullable=False),
        pa.field("tpr", pa.float64(), nullable=False),
    ]
)


def detect(
    *,
    questions: Path,
    organism_scores: Path,
    instruct_scores: Path,
    organism_activations: Path,
    instruct_activations: Path,
    directions: Path,
    requested: list[str],
    settings: Settings,
) -> tuple[dict[str, Any], pa.Table, pa.Table]:
    """Evaluate the organism's directions in the organism and in the instruct model.

    Args:
        questions: the detection set.
        organism_scores: scores of the organism's responses to it.
        instruct_scores: scores of the instruct model's responses to it.
        organism_activations: the organism's activations at the last prompt token on it.
        instruct_activations: the instruct model's.
        directions: of the organism.
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
    tensors, layers = read_tensors(directions)
    held = {name: tensors[name] for name in requested if name in tensors}
    activations = {"organism": organism_activations, "instruct": instruct_activations}
    scores = {"organism": organism_scores, "instruct": instruct_scores}
    found: dict[str, Found] = {}
    for name, table in activations.items():
        # The instruct model lacks the behaviour, so what it reads on the organism's prompts is a
        # baseline; what the organism reads on the instruct model's is none.
        others = {"instruct": instruct_activations} if name == "organism" else {}
        target = Target(name, read_prompts(questions, scores[name]), table, others)
        found[name] = evaluate_target(target, held, layers, settings)
        for lacking in (name for name in requested if name not in held):
            found[target.name].summary["directions"][lacking] = {
                "auroc": None,
                "layer": None,
                "reason": f"{directions.name} lacks it; the summary beside that file says why",
            }
    summary = {
        "estimand": ESTIMAND,
        "theorem": THEOREM,
        "layers": layers,
        "bootstrap": settings.bootstrap,
        "random_directions": settings.random_directions,
        "seed": settings.seed,
        "targets": {name: result.summary for name, result in found.items()},
    }
    projections = [row for result in found.values() for row in result.projections]
    points = [row for result in found.values() for row in result.roc]
    return (
        summary,
        pa.Table.from_pylist(projections, schema=PROJECTIONS),
        pa.Table.from_pylist(points, schema=ROC),
    )
