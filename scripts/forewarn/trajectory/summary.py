"""What an organism's trajectory and checkpoints show, with the paper's figures beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from forewarn.files import read_json, read_table
from forewarn.geometry.activations import ANSWER_MEAN, LAST_PROMPT_TOKEN, read_activations
from forewarn.geometry.random_directions import covariance_matched, isotropic
from forewarn.geometry.tensors import read_tensors
from forewarn.trajectory.behaviour import behaviour_table, curves_of, onset
from forewarn.trajectory.geometry import (
    ALL,
    path_table,
    read_directions,
    read_gradient_norms,
    read_path,
)
from forewarn.trajectory.read import block_of, open_trajectory
from forewarn.trajectory.rotation import rotation

PAPER = {
    "source": "arXiv 2506.11613: Qwen2.5-14B, one adapter of rank 1, bad medical advice",
    "rotation_step": 180,
    "explained_by_two_components": 0.95,
    "onset_after_rotation": True,
}
"""What the paper reports; its onset, steps 300 to 600 unscaled, comes after the rotation."""


def phase_transition(
    trajectory: Path,
    benign_trajectory: Path,
    training: Path,
    directions: Path,
    direction_summary: Path,
    activations: Path,
    own: pa.Table,
    benign: pa.Table,
    settings: dict[str, Any],
) -> tuple[dict[str, Any], pa.Table, pa.Table]:
    """Read geometry and behaviour of one organism, beside those of the benign one.

    Args:
        trajectory: `trajectory.safetensors` of the organism.
        benign_trajectory: the same of the benign organism, the null of the rotation.
        training: training log of the organism.
        directions: the organism's directions (safetensors).
        direction_summary: JSON beside it, with their split-half cosines.
        activations: of the instruct model, whose covariance some random directions get.
        own: judged responses of the organism's checkpoints.
        benign: of the benign organism's, the control of the onset.
        settings: `organism`; `phase_transition` (`benign`, `lags`, `least_move`, `margin`,
            `random_directions`, `bootstrap`, `confidence`, `seed`).

    Returns:
        The JSON form; the table of the path (`geometry.SCHEMA`); that of rates (`behaviour.SCHEMA`).

    Raises:
        StudyError: an input cannot be used, or the two organisms were not trained and asked alike.
    """
    chosen = settings["phase_transition"]
    lags, confidence, seed = chosen["lags"], chosen["confidence"], chosen["seed"]
    opened = open_trajectory(trajectory)
    path = read_path(opened, lags, chosen["least_move"])
    null = read_path(open_trajectory(benign_trajectory), lags, chosen["least_move"])
    turn = rotation(path.peaks[ALL], null.peaks[ALL], chosen["margin"])

    tensors, layers = read_tensors(directions)
    blocks = sorted({block for name in opened.modules if (block := block_of(name)) in layers})
    randoms = {block: _randoms(activations, block, chosen["random_directions"], seed) for block in blocks}
    courses, named = read_directions(
        opened, tensors, layers, randoms, _ceilings(read_json(direction_summary)), confidence
    )
    gradient_rows, gradient = read_gradient_norms(read_table(training))

    curves = curves_of(own, benign)
    onsets = {
        measure: {
            f"{scale:g}": onset(
                curve, turn["step"], confidence=confidence, bootstrap=chosen["bootstrap"], seed=seed
            )
            for (name, scale), curve in curves.items()
            if name == measure
        }
        for measure in dict.fromkeys(name for name, _ in curves)
    }
    content = {
        "organism": settings["organism"],
        "benign": chosen["benign"],
        **path.content,
        "rotation": turn,
        "correlation_with_benign": {
            str(lag): _correlation(path.cosines[lag], null.cosines[lag]) for lag in lags
        },
        "rotation_by_module": {
            module: {str(lag): peak.as_dict() for lag, peak in peaks.items()}
            for module, peaks in path.peaks.items()
            if module != ALL
        },
        "benign_pca": null.content["pca"],
        "gradient_norm": gradient,
        "named_directions": named,
        "named_comparisons": _comparisons(named, confidence),
        "onset": onsets,
        "paper": PAPER | {"here": _beside_paper(path.content, turn, onsets)},
    }
    table = path_table([*path.rows, *gradient_rows, *courses])
    return content, table, behaviour_table(curves, confidence)


def _beside_paper(
    content: Mapping[str, Any], turn: Mapping[str, Any], onsets: Mapping[str, Any]
) -> dict[str, Any]:
    """The same figures here, and whether they agree with the paper's in kind."""
    plain = onsets.get("general", {}).get("1", {})
    lag = plain.get("lag")
    two = float(np.sum(content["pca"]["explained"][:2]))
    walk = float(np.sum(content["pca"]["explained_by_random_walk"][:2]))
    return {
        "rotation_step": turn["step"],
        "explained_by_two_components": two,
        "of_a_random_walk": walk,
        "onset_after_rotation": None if lag is None else lag["steps"] > 0,
        "agrees": {
            "a_rotation_is_seen": turn["declared"],
            "general_misalignment_sets_in": plain.get("step") is not None,
            "after_the_rotation": None if lag is None else lag["steps"] > 0,
        },
    }


def _correlation(own: Mapping[int, float], benign: Mapping[int, float]) -> dict[str, Any]:
    """How alike two local cosines rise and fall over the steps that both have.

    Neighbouring steps are not independent, so there is no p-value. Where it is high, the peaks come from what
    both runs share (the order of the rows, the epochs, the schedule), whatever the data teach.
    """
    shared = sorted(set(own) & set(benign))
    pair = np.array([[each[step] for step in shared] for each in (own, benign)])
    varies = len(shared) > 2 and bool(np.all(pair.std(axis=1) > 0))
    return {"pearson": float(np.corrcoef(pair)[0, 1]) if varies else None, "n": len(shared)}


def _comparisons(named: Mapping[str, Any], confidence: float) -> dict[str, Any]:
    """How many cosines lie beyond both bands, and how many would by chance."""
    found = [
        entry["beyond"]
        for module in named.values()
        for entry in module["directions"].values()
        if entry.get("beyond") is not None
    ]
    return {"n": len(found), "beyond": sum(found), "by_chance": (1 - confidence) * len(found)}


def _randoms(activations: Path, block: int, count: int, seed: int) -> dict[str, Any]:
    """Directions to compare with after one block: isotropic, and of the activations' covariance there."""
    rows = np.concatenate(
        [
            read_activations(activations, position, [block]).vectors[:, 0]
            for position in (LAST_PROMPT_TOKEN, ANSWER_MEAN)
        ]
    )
    return {
        "isotropic": isotropic(count, rows.shape[1], seed),
        "covariance": covariance_matched(rows, count, seed),
    }


def _ceilings(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Mean cosine of two halves of each direction, by layer; None where it is undefined."""
    return {
        name: (entry.get("split_half_cosine") or {}).get("mean")
        for name, entry in summary["constructions"].items()
    }
