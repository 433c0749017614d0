"""All that is read of one organism's trajectory, step by step and in sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.geometry.adapter_direction import WRITERS
from forewarn.trajectory.lags import check_lags
from forewarn.trajectory.named import read_named
from forewarn.trajectory.path import (
    furthest_from_chord,
    inner_products,
    local_cosine,
    matrix_scores,
    principal_components,
    random_walk,
)
from forewarn.trajectory.read import Floats, Trajectory, block_of
from forewarn.trajectory.rotation import Peak, peak_of

ALL = "all"
"""In place of a module: the matrices of all modules as one vector."""
SCHEMA = pa.schema(
    [
        pa.field("module", pa.string(), nullable=False),  # of the adapter, or `all`
        pa.field("step", pa.int32(), nullable=False),  # optimiser steps
        # norm_a, norm_b, local_cosine, displacement, component, matrix_score, gradient_norm, direction_cosine
        pa.field("quantity", pa.string(), nullable=False),
        pa.field("lag", pa.int32()),  # of local_cosine and displacement, in steps
        pa.field("name", pa.string()),  # of the direction; of the component, `pc1` or `pc2`
        pa.field("value", pa.float64()),  # null where undefined, and where a local cosine is masked
    ]
)
"""One row per module, step and quantity of a trajectory."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Path:
    """What the rule about rotations, and the figure, need of one trajectory.

    Attributes:
        peaks: module or `all` -> lag in steps -> most prominent peak of the masked local cosine.
        cosines: lag in steps -> step -> masked local cosine of all modules together, where it is defined.
        content: the JSON form of everything else that is told in sum.
        rows: of the table with `SCHEMA`.
    """

    peaks: dict[str, dict[int, Peak]]
    cosines: dict[int, dict[int, float]]
    content: dict[str, Any]
    rows: Rows


def read_path(trajectory: Trajectory, lags: Sequence[int], least_move: float) -> Path:
    """Norms, local cosines, principal components and the matrix score of a trajectory.

    Args:
        trajectory: of the organism.
        lags: steps between the compared points, multiples of the steps between snapshots.
        least_move: share of B's final norm that the larger displacement must exceed.

    Raises:
        StudyError: a lag falls between snapshots, or twice the largest is longer than the trajectory.
    """
    check_lags(lags, trajectory.every, trajectory.path.parent.name)
    even, steps = trajectory.even, trajectory.steps
    if 2 * max(lags) > steps[even - 1]:
        raise StudyError(
            f"{trajectory.path} covers {steps[even - 1]} steps, so no point has another {max(lags)} steps "
            "before and behind it",
            f"lower `lags` of phase_transition to {steps[even - 1] // 2} at most",
        )
    rows: Rows = []
    grams: dict[str, Floats] = {}
    final_norms: dict[str, dict[str, float]] = {}
    for module in trajectory.modules:
        grams[module] = inner_products(trajectory.matrices(module, "B"))
        norms = {
            "norm_a": np.linalg.norm(trajectory.matrices(module, "A"), axis=(1, 2)),
            "norm_b": np.sqrt(np.diag(grams[module])),
        }
        final_norms[module] = {name: float(values[-1]) for name, values in norms.items()}
        for name, values in norms.items():
            rows += _rows(module, steps, name, values)
    grams[ALL] = np.sum(list(grams.values()), axis=0)
    rows += _rows(ALL, steps, "norm_b", np.sqrt(np.diag(grams[ALL])))

    peaks: dict[str, dict[int, Peak]] = {}
    cosines: dict[int, dict[int, float]] = {}
    for module, gram in grams.items():
        least = least_move * float(np.sqrt(gram[-1, -1]))
        peaks[module] = {}
        for lag in lags:
            turning = local_cosine(gram[:even, :even], lag // trajectory.every, max(lags) // trajectory.every)
            masked = turning.masked(least)
            peaks[module][lag] = peak_of(steps[:even], masked)
            if module == ALL:
                cosines[lag] = {steps[at]: float(masked[at]) for at in np.flatnonzero(~np.isnan(masked))}
            rows += _rows(module, steps[:even], "local_cosine", masked, lag=lag)
            rows += _rows(module, steps[:even], "displacement", turning.move, lag=lag)
    plane = principal_components(grams[ALL])
    for number in range(min(2, plane.scores.shape[1])):
        rows += _rows(ALL, steps, "component", plane.scores[:, number], name=f"pc{number + 1}")
    stacked = _stacked(trajectory)
    if stacked is not None:
        rows += _rows(ALL, steps, "matrix_score", matrix_scores(stacked))
    content = {
        "snapshots": len(steps),
        "steps": steps[-1],
        "trajectory_every": trajectory.every,
        "modules": list(trajectory.modules),
        "mask": {
            "least_move": least_move,
            "of": "the final norm of B",
            "displacement": least_move * float(np.sqrt(grams[ALL][-1, -1])),
        },
        "readable": [steps[max(lags) // trajectory.every], steps[even - 1 - max(lags) // trajectory.every]],
        "final_norms": final_norms,
        "pca": {
            "explained": plane.explained.tolist(),
            "explained_by_random_walk": principal_components(random_walk(grams[ALL])).explained.tolist(),
            "turn_of_pc2": steps[furthest_from_chord(plane.scores[:, 1])],
        },
        "matrix_score": None
        if stacked is not None
        else "undefined: it takes several modules of rank 1 that write to the residual stream",
    }
    return Path(peaks, cosines, content, rows)


def read_directions(
    trajectory: Trajectory,
    directions: Mapping[str, NDArray[Any]],
    layers: Sequence[int],
    randoms: Mapping[int, Mapping[str, NDArray[Any]]],
    ceilings: Mapping[str, Sequence[float | None] | None],
    confidence: float,
) -> tuple[Rows, dict[str, Any]]:
    """B of each module that writes to the residual stream against named directions after its own block.

    Args:
        trajectory: of the organism.
        directions: name -> float [layers, d_model].
        layers: blocks of the rows of `directions`.
        randoms: block -> kind -> float [count, d_model].
        ceilings: name -> mean split-half cosine at each of `layers`; None where it is undefined.
        confidence: of the bands.

    Returns:
        Rows of the table, and per module what `read_named` tells; without modules whose block has no
        directions.
    """
    rows: Rows = []
    told = {}
    for module in trajectory.modules:
        block = block_of(module)
        if module.rpartition(".")[2] not in WRITERS or block is None or block not in layers:
            continue
        at = list(layers).index(block)
        courses, told[module] = read_named(
            trajectory.matrices(module, "B"),
            {name: tensor[at] for name, tensor in directions.items()},
            randoms[block],
            {name: None if halves is None else halves[at] for name, halves in ceilings.items()},
            trajectory.steps,
            confidence,
        )
        for name, course in courses.items():
            rows += _rows(module, trajectory.steps, "direction_cosine", course, name=name)
    return rows, told


def read_gradient_norms(training: pa.Table) -> tuple[Rows, dict[str, Any]]:
    """Gradient norms of the training log (before clipping): rows of the table, and the largest of them."""
    steps, norms = (training.column(name).to_numpy() for name in ("step", "gradient_norm"))
    at = int(np.nanargmax(norms))
    largest = {"largest": float(norms[at]), "step": int(steps[at]), "n": len(steps)}
    return _rows(ALL, steps.tolist(), "gradient_norm", norms), largest


def path_table(rows: Rows) -> pa.Table:
    """The rows as a table with `SCHEMA`."""
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _stacked(trajectory: Trajectory) -> Floats | None:
    """B of all rank-1 modules that write to the stream, float64 [steps, modules, d_model]; None of one."""
    writers = [name for name in trajectory.modules if name.rpartition(".")[2] in WRITERS]
    if len(writers) < 2:
        return None
    found = [trajectory.matrices(name, "B") for name in writers]
    if any(each.shape[2] != 1 for each in found):
        return None
    return np.stack([each[:, :, 0] for each in found], axis=1)


def _rows(
    module: str,
    steps: Sequence[int],
    quantity: str,
    values: NDArray[Any],
    *,
    lag: int | None = None,
    name: str | None = None,
) -> Rows:
    return [
        {
            "module": module,
            "step": step,
            "quantity": quantity,
            "lag": lag,
            "name": name,
            "value": None if np.isnan(value) else float(value),
        }
        for step, value in zip(steps, values, strict=True)
    ]
