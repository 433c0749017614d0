"""The measures of a rebound at all its points, arranged by start, seed, point and prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.elasticity.arms import INSTRUCT, Place, place_of
from forewarn.elasticity.curves import Floats
from forewarn.errors import StudyError
from forewarn.steering.contrasts import count_by_prompt

MEASURES = ("em", "projection", "shift", "kl")


@dataclass(frozen=True)
class Grid:
    """One measure at all points of one organism's rebound.

    Attributes:
        values: float64 [starts, seeds, points, prompts], sums.
        sizes: the same shape, of how many.
        instruct: [2, prompts], the same two of the instruct model.
    """

    values: Floats
    sizes: Floats
    instruct: Floats

    def of_instruct(self, drawn: NDArray[np.int64]) -> Floats:
        """The instruct model's mean over each draw of the prompts."""
        found: Floats = (drawn @ self.instruct[0]) / (drawn @ self.instruct[1])
        return found


def grids_of(
    responses: pa.Table, readings: pa.Table
) -> tuple[dict[str, Grid], list[int], list[int], list[int]]:
    """Arrange what was judged and read.

    Args:
        responses: of the schema `forewarn.steering.responses.RESPONSES`.
        readings: of the schema `forewarn.elasticity.readings.READINGS`.

    Returns:
        Grids by measure (without `projection` where there is no direction); n, seeds and k, each rising.

    Raises:
        StudyError: a point of the grid, or the instruct model, is missing.
    """
    counts = count_by_prompt(responses)
    subject = next((name for name, _ in counts if name != INSTRUCT), INSTRUCT)
    places = [place_of(arm) for name, arm in counts if name != INSTRUCT]
    starts, seeds, points = (sorted({getattr(each, key) for each in places}) for key in ("n", "seed", "k"))
    # Before the pushing the seeds are one
    names = [
        [[(subject, Place(n, k, seed if k else seeds[0]).name) for k in points] for seed in seeds]
        for n in starts
    ]
    read = _by_arm(readings)
    wanted = {arm for start in names for run in start for arm in run} | {(INSTRUCT, INSTRUCT)}
    if missing := sorted(wanted - (set(counts) & set(read))):
        raise StudyError(
            f"the rebound of {subject} has nothing of {missing[0][1]}",
            "delete its generations and readings and run again, so that both are made anew",
        )

    def grid(get: Any) -> Grid:
        cells = np.array([[[get(arm) for arm in run] for run in start] for start in names], dtype=np.float64)
        instruct = np.array(get((INSTRUCT, INSTRUCT)), dtype=np.float64)
        return Grid(cells[..., 0, :], cells[..., 1, :], instruct)

    found = {"em": grid(lambda arm: (counts[arm].misaligned, counts[arm].responses))}
    for measure in MEASURES[1:]:
        if measure != "projection" or not np.isnan(read[INSTRUCT, INSTRUCT]["projection"]).any():
            tokens = "kl_tokens" if measure == "kl" else "one"
            found[measure] = grid(lambda arm, m=measure, t=tokens: (read[arm][m], read[arm][t]))
    return found, starts, seeds, points


def _by_arm(readings: pa.Table) -> dict[tuple[str, str], dict[str, Floats]]:
    """Readings of each arm in the sorted order of the questions, and as many ones."""
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in readings.select(["subject", "arm", "question_id", *MEASURES[1:], "kl_tokens"]).to_pylist():
        rows.setdefault((row["subject"], row["arm"]), []).append(row)
    found = {}
    for arm, those in rows.items():
        ordered = sorted(those, key=lambda row: row["question_id"])
        keys = (*MEASURES[1:], "kl_tokens")
        found[arm] = {
            key: np.array([np.nan if row[key] is None else row[key] for row in ordered], np.float64)
            for key in keys
        } | {"one": np.ones(len(ordered))}
    return found
