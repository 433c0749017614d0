"""A rebound summed up: does an organism return, how fast, in which order over n, and what returns first?

Four measures are followed: the rate of misaligned answers (`em`), the projection on the organism's direction
(`projection`), the distance of the residual stream at the same place (`shift`), which has no direction in it,
and the divergence from the instruct model (`kl`). Intervals are of a bootstrap over prompts and seeds of the
pushing at once, the same draws for all measures, so that leads and lags are paired.

A lead says which curve passes half of its way first. It does not say that one causes the other: a rate that
is a steep function of the projection falls late or early depending on where its step lies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.elasticity.arms import INSTRUCT, Place, place_of
from forewarn.elasticity.curves import Floats, half_return, remaining, weighted
from forewarn.elasticity.leads import lead, rows_interval, speeds
from forewarn.elasticity.order import order_over_n
from forewarn.errors import StudyError
from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.holm import holm
from forewarn.steering.contrasts import Measurement, count_by_prompt

MEASURES = ("em", "projection", "shift", "kl")
CURVES = pa.schema(
    [
        pa.field("measure", pa.string(), nullable=False),
        pa.field("n", pa.int32(), nullable=False),
        pa.field("k", pa.int32(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("instruct", pa.float64()),  # the same of the instruct model
        pa.field("remaining", pa.float64()),  # share of the change left; null where there was none
        pa.field("remaining_low", pa.float64()),
        pa.field("remaining_high", pa.float64()),
        pa.field("count", pa.int32()),  # misaligned responses; null for other measures
        pa.field("responses", pa.int32()),  # of how many, over all seeds; null for other measures
        pa.field("prompts", pa.int32(), nullable=False),
        pa.field("seeds", pa.int32(), nullable=False),
    ]
)
"""One row per measure, start and point of its curve, seeds taken together."""


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


def summarise_rebound(
    responses: pa.Table, readings: pa.Table, how: Measurement
) -> tuple[dict[str, Any], pa.Table]:
    """What a rebound shows.

    Args:
        responses: of the schema `forewarn.steering.responses.RESPONSES`.
        readings: of the schema `forewarn.elasticity.readings.READINGS`.
        how: to measure.

    Returns:
        Summary: `n`, `k`, `seeds`, `prompts`; `starts`, per n and measure the `change` there was, the
        `half_return` and what is left (`left`); `leads`, per n of each measure before `em`; per measure
        `order` over n and `speeds` of each two starts. And a table of `CURVES`.

    Raises:
        StudyError: see `grids_of`.
    """
    grids, starts, seeds, points = grids_of(responses, readings)
    rows = np.array(points)
    prompts = grids["em"].values.shape[-1]
    of_prompts, of_seeds = np.random.SeedSequence(how.seed).generate_state(2)
    drawn = np.concatenate(
        [np.ones((1, prompts), np.int64), resample(prompts, how.bootstrap, int(of_prompts))]
    )
    runs = np.concatenate(
        [np.ones((1, len(seeds)), np.int64), resample(len(seeds), how.bootstrap, int(of_seeds))]
    )
    content: dict[str, Any] = {"starts": [], "leads": []}
    curves, single = [], {measure: np.full((len(starts), len(seeds)), np.nan) for measure in grids}
    reached: dict[str, dict[int, Floats]] = {measure: {} for measure in grids}
    for number, n in enumerate(starts):
        halves: dict[str, Floats] = {}
        for measure, grid in grids.items():
            values = weighted(grid.values[number], grid.sizes[number], drawn, runs)
            instruct = grid.of_instruct(drawn)
            shares = remaining(values, instruct)
            change = values[:, 0] - instruct
            interval = percentile_interval(change[1:], how.confidence, prompts)
            # The distance of a model from another one is never negative, so 0 is its only null
            off = interval.low is not None and interval.high is not None and interval.low * interval.high > 0
            changed = bool(change[0] > 1e-9) if measure in ("shift", "kl") else off
            entry = {"n": n, "measure": measure, "changed": changed}
            entry |= {"change": {"value": float(change[0])} | interval.as_dict()}
            if changed:
                halves[measure] = reached[measure][n] = half_return(shares, rows)
                left = percentile_interval(shares[1:, -1], how.confidence, prompts).as_dict()
                entry |= {"half_return": rows_interval(halves[measure], how), "left": {"k": points[-1],
                          "share": float(shares[0, -1])} | left}  # fmt: skip
                for run in range(len(seeds)):
                    alone = np.eye(len(seeds), dtype=np.int64)[run : run + 1]
                    own = weighted(grid.values[number], grid.sizes[number], drawn[:1], alone)
                    single[measure][number, run] = half_return(remaining(own, instruct[:1]), rows)[0]
            else:
                entry["reason"] = "no change that an interval tells from none, so nothing to return from"
            content["starts"].append(entry)
            curves += _curve(
                measure, n, points, values, instruct, shares if changed else None, grid, number, how
            )
        content["leads"] += [
            {"n": n, "measure": measure} | lead(halves[measure], halves["em"], how)
            for measure in grids
            if measure != "em" and measure in halves and "em" in halves
        ]
    content["order"] = _orders(single, starts, how.seed)
    content["speeds"] = {measure: speeds(each, how) for measure, each in reached.items()}
    content |= {"n": starts, "k": points, "seeds": seeds, "prompts": prompts}
    return content, pa.Table.from_pylist(curves, schema=CURVES)


def _orders(single: Mapping[str, Floats], starts: Sequence[int], seed: int) -> dict[str, Any]:
    """The order of half-returns over n of each measure, p-values corrected for the measures."""
    found = {}
    for measure, halves in single.items():
        defined = [not np.isnan(row).any() for row in halves]
        found[measure] = order_over_n(halves[defined], seed) | {
            "n": [n for n, fine in zip(starts, defined, strict=True) if fine]
        }
    corrected = holm([each["p_value"] for each in found.values()])
    return {
        measure: each | {"p_adjusted": p} for (measure, each), p in zip(found.items(), corrected, strict=True)
    }


def _curve(
    measure: str,
    n: int,
    points: Sequence[int],
    values: Floats,
    instruct: Floats,
    shares: Floats | None,
    grid: Grid,
    number: int,
    how: Measurement,
) -> list[dict[str, Any]]:
    seeds, prompts = grid.values.shape[1], grid.values.shape[-1]
    rows = []
    for place, k in enumerate(points):
        interval = percentile_interval(values[1:, place], how.confidence, prompts)
        # Before the pushing the seeds share one arm, whose answers count once
        runs = slice(0, seeds if k else 1)
        row = {"measure": measure, "n": n, "k": k, "value": values[0, place], "low": interval.low,
               "high": interval.high, "instruct": instruct[0], "prompts": prompts,
               "seeds": seeds if k else 1}  # fmt: skip
        if measure == "em":
            row["count"] = int(grid.values[number, runs, place].sum())
            row["responses"] = int(grid.sizes[number, runs, place].sum())
        if shares is not None:
            left = percentile_interval(shares[1:, place], how.confidence, prompts)
            row |= {"remaining": shares[0, place], "remaining_low": left.low, "remaining_high": left.high}
        rows.append(row)
    return rows


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
