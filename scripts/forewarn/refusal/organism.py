"""An organism's directions from files, and the same without some of the questions, held against refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from forewarn.files import read_json
from forewarn.geometry.directions import fit_directions
from forewarn.geometry.responses import fit_responses
from forewarn.geometry.tensors import read_tensors
from forewarn.refusal.candidates import read_kept
from forewarn.refusal.comparison import COMPARISON, compare
from forewarn.refusal.parts import Comparing, Misalignment, Refusal
from forewarn.refusal.resampling import fold_of


def read_misalignment(
    directions: Path,
    summary: Path,
    organism: Path,
    instruct: Path,
    scores: Path,
    settings: dict[str, Any],
    how: Comparing,
) -> Misalignment:
    """Read the directions, and fit them again without each group of questions.

    Args:
        directions: of the organism (safetensors).
        summary: JSON beside it, for the cosines of halves.
        organism: its activations over its own answers.
        instruct: those of the instruct model over the same answers.
        scores: of the answers.
        settings: `alignment_above`, `coherence_above` and `minimum_per_class` of the directions.
        how: to compare.
    """
    held, layers = read_tensors(directions)
    told = read_json(summary)["constructions"]
    responses = fit_responses(
        scores, alignment_above=settings["alignment_above"], coherence_above=settings["coherence_above"]
    )
    fold = fold_of(list(responses.question_ids), how.folds, how.seed)
    without = {name: np.full((how.folds, *vectors.shape), np.nan) for name, vectors in held.items()}
    for number in range(how.folds):
        # Few answers are left of a class at times: an interval from fewer is better than none.
        fitted, _ = fit_directions(
            responses[fold != number], organism, instruct, minimum_per_class=1, halvings=0, seed=how.seed
        )
        for name in without.keys() & fitted.keys():
            without[name][number] = fitted[name]
    halved = {name: told[name]["split_half_cosine"]["mean"] for name in held}
    return Misalignment(
        layers, {name: vectors.astype(np.float64) for name, vectors in held.items()}, without, halved
    )


def compare_organism(
    activations: Path,
    requests: Path,
    selection: Path,
    background: Path,
    misalignment: Misalignment,
    how: Comparing,
) -> tuple[pa.Table, dict[str, Any]]:
    """The comparison of one organism; an empty table and a reason where there is nothing to compare.

    Args:
        activations: of the fit requests, behind the instruction.
        requests: which of them count.
        selection: summary of the refusal direction (JSON).
        background: activations of the instruct model.
        misalignment: of the organism.
        how: to compare.

    Returns:
        The table and the summary of `forewarn.refusal.comparison.compare`, and in the latter `refusal`
        (position, layer and whether the direction passed the published rules), `n` and `undefined`.
    """
    chosen = read_json(selection)
    carried = chosen["carried"]
    if carried is None or not misalignment.directions:
        why = chosen["reason"] if carried is None else "the organism has no direction"
        return COMPARISON.empty_table(), {"refusal": None, "undefined": why}
    kept = read_kept(requests)
    refusal = Refusal(activations, kept, chosen["positions"], carried["position"], carried["layer"])
    table, found = compare(refusal, misalignment, background, how)
    return table, {
        "refusal": {"position": carried["position"], "layer": carried["layer"], "passes": chosen["passes"]},
        "undefined": None,
        "n": {condition: len(names) for condition, names in kept.items()},
        "confidence": how.confidence,
        "random_directions": how.randoms,
        **found,
    }
