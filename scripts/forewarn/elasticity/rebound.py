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
from typing import Any

import numpy as np
import pyarrow as pa

from forewarn.elasticity.curves import Floats, half_return, remaining, weighted
from forewarn.elasticity.grids import Grid, grids_of
from forewarn.elasticity.leads import lead, rows_interval, speeds
from forewarn.elasticity.order import order_over_n
from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.holm import holm
from forewarn.steering.contrasts import Measurement

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


HALVES = pa.schema(
    [
        pa.field("measure", pa.string(), nullable=False),
        pa.field("n", pa.int32(), nullable=False),
        pa.field("seed", pa.int32()),  # of the pushing, taken alone; null: all seeds, drawn
        pa.field("draw", pa.int32(), nullable=False),  # 0 is the estimate, others draw prompts and seeds anew
        # opposite rows to half-return; infinity where it was not reached, NaN where a draw has no change
        pa.field("rows", pa.float64(), nullable=False),
    ]
)
"""One row per measure, start with a change to return from, and draw. Other models that were asked the same
have the same draws, so that differences between models are paired."""


def summarise_rebound(
    responses: pa.Table, readings: pa.Table, how: Measurement
) -> tuple[dict[str, Any], pa.Table, pa.Table]:
    """What a rebound shows.

    Args:
        responses: of the schema `forewarn.steering.responses.RESPONSES`.
        readings: of the schema `forewarn.elasticity.readings.READINGS`.
        how: to measure.

    Returns:
        Summary: `n`, `k`, `seeds`, `prompts`; `starts`, per n and measure the `change` there was, the
        `half_return` and what is left (`left`); `leads`, per n of each measure before `em`; per measure
        `order` over n and `speeds` of each two starts. And tables of `CURVES` and of `HALVES`.

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
    halved = [_halves(measure, n, drawn) for measure, each in reached.items() for n, drawn in each.items()]
    for measure, each in single.items():
        halved += [
            _halves(measure, n, own[run : run + 1], seed)
            for n, own in zip(starts, each, strict=True)
            for run, seed in enumerate(seeds)
            if n in reached[measure]
        ]
    tables = pa.Table.from_pylist(curves, schema=CURVES), pa.concat_tables([HALVES.empty_table(), *halved])
    return content, tables[0], tables[1].combine_chunks()


def _halves(measure: str, n: int, rows: Floats, seed: int | None = None) -> pa.Table:
    """Rows of `HALVES`: the estimate and its draws."""
    columns = [[measure] * len(rows), [n] * len(rows), [seed] * len(rows), range(len(rows)), rows]
    return pa.table([pa.array(each, kind) for each, kind in zip(columns, HALVES.types, strict=True)], HALVES)


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
