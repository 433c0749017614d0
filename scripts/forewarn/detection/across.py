"""One organism's directions in the others: do they see misalignment, or one organism's habits?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forewarn.detection.evaluation import Evaluator
from forewarn.detection.prompts import read_prompts
from forewarn.detection.readers import Reader, project
from forewarn.errors import StudyError
from forewarn.files import read_json
from forewarn.geometry.tensors import read_tensors


def across(
    names: list[str],
    *,
    questions: Path,
    directions: dict[str, Path],
    summaries: dict[str, Path],
    activations: dict[str, Path],
    scores: dict[str, Path],
    bootstrap: int,
    seed: int,
    confidence: float,
) -> dict[str, Any]:
    """AUROC of each organism's directions in each other organism, at the layers chosen in its own.

    Args:
        names: of the organisms.
        questions: the detection set.
        directions: by organism.
        summaries: of `detect`, by organism.
        activations: of each organism at the last prompt tokens.
        scores: of each organism's responses.
        bootstrap: resamples of the test prompts.
        seed: of the resamples.
        confidence: of the intervals.

    Returns:
        `{"pairs": [{"fitted_on", "read_in", "detector", "layer", "auroc", "interval", "n_prompts",
        "n_responses", "n_misaligned", "own"}]}`, where "own" is the AUROC of the reading organism's own
        direction, for comparison; "reason" where it is undefined.

    Raises:
        StudyError: an input cannot be used.
    """
    told = {name: read_json(summaries[name])["targets"]["organism"]["detectors"] for name in names}
    pairs = []
    for reading in names:
        test = read_prompts(questions, scores[reading]).of("test")
        evaluator = Evaluator(test, bootstrap, seed, confidence)
        counts = test.counts(confidence)
        reader = Reader(reading, activations[reading], test.keys())
        for fitted in (name for name in names if name != reading):
            tensors, layers = read_tensors(directions[fitted])
            for detector, entry in told[fitted].items():
                if detector not in tensors or entry["layer"] is None:
                    continue
                vectors = reader.vectors(entry["layer"])
                direction = tensors[detector][layers.index(entry["layer"])]
                if vectors.shape[1] != len(direction):
                    raise StudyError(
                        f"{activations[reading]} has activations of width {vectors.shape[1]}, but "
                        f"{directions[fitted]} has directions of width {len(direction)}",
                        "compare organisms of one model only",
                    )
                found = evaluator.scored(project(vectors, direction))
                pairs.append(
                    {
                        "fitted_on": fitted,
                        "read_in": reading,
                        "detector": detector,
                        "layer": entry["layer"],
                        **evaluator.area(found),
                        "own": told[reading].get(detector, {}).get("auroc"),
                        **{key: counts[key] for key in ("n_prompts", "n_responses", "n_misaligned")},
                    }
                )
    return {"pairs": pairs}
