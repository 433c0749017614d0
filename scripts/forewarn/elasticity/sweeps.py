"""Elasticity over models: do larger and longer pretrained ones return faster and resist more? (2406.06144)

The same organism is raised from several models and pushed back alike, so a half-return differs for what the
model is. Two tests are made, and each says less than one would like. Of three models there are six orders:
where whole models are shuffled, which is the test about size as such, no p-value is below 1/3. Where models
are shuffled within each seed of the pushing, the seeds bear an order out; but then the models are what they
are, one draw of weights and one organism each, and what is peculiar to one counts as an effect of its size.
That test is also blind to the noise that the seeds share, of the answers at the start. So models are called
apart only where intervals over prompts and seeds agree with it for the first and the last of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forewarn.elasticity.curves import Floats
from forewarn.elasticity.grids import MEASURES
from forewarn.elasticity.leads import lead
from forewarn.elasticity.order import shuffled, signs_of
from forewarn.errors import StudyError
from forewarn.statistics.holm import holm
from forewarn.steering.contrasts import Measurement

LOSSES = ("loss", "excess")
_WORDS = {"leads": "faster", "lags": "slower"}


@dataclass(frozen=True, eq=False)
class Returned:
    """One model's organism, pushed back.

    Attributes:
        model: its name.
        summary: of `forewarn.elasticity.rebound.summarise_rebound`.
        halves: of the schema `forewarn.elasticity.rebound.HALVES`.
        resistance: of `forewarn.elasticity.resistance.summarise_resistance`; None where it was not measured.
    """

    model: str
    summary: dict[str, Any]
    halves: pa.Table
    resistance: dict[str, Any] | None = None


def compare_models(returned: Sequence[Returned], how: Measurement) -> dict[str, Any]:
    """How elasticity goes with the place of a model in a row of models.

    Args:
        returned: at least two, in the order in which the paper expects faster returns.
        how: to measure; `confidence` and `seed` are used.

    Returns:
        `models`; `half_returns`, per model, start and measure what the rebound's summary says (`changed`,
        `change`, `half_return`, or the `reason` why there is none); `pairs`, per two models, start and
        measure by how many rows the later one returns sooner (see `lead`; faster, slower, neither or
        undecided);
        `trend` per measure (see `_trend`) with p-values over runs corrected for the measures, and its
        `verdict`: faster, slower or not told apart; `resistance` (see `_resistance`); and `missing`, what
        could not be compared and why.

    Raises:
        StudyError: the models were not pushed back alike.
    """
    first = returned[0].summary
    for each in returned[1:]:
        for key in ("n", "k", "seeds", "prompts"):
            if each.summary[key] != first[key]:
                raise StudyError(
                    f"{each.model} was pushed back with other {key} than {returned[0].model}: "
                    f"{each.summary[key]} and {first[key]}",
                    "run their rebounds again, so that they follow the configuration",
                )
    told: list[dict[str, Any]] = []
    missing: list[dict[str, Any]] = []
    for each in returned:
        entries = {(row["n"], row["measure"]): row for row in each.summary["starts"]}
        for n in first["n"]:
            for measure in MEASURES:
                row = entries.get((n, measure), {"n": n, "measure": measure, "changed": False})
                if not row["changed"]:
                    row = {"reason": "the organism has no direction"} | row
                    place = {"model": each.model, "n": n, "measure": measure}
                    missing.append(place | {"reason": row["reason"]})
                told.append({"model": each.model} | row)
    drawn = [_drawn(each.halves) for each in returned]
    alone = {measure: _alone(returned, measure, first["n"], first["seeds"]) for measure in MEASURES}
    pairs = [
        {"models": [returned[i].model, returned[j].model], "n": n, "measure": measure}
        | _sooner(drawn[i][measure, n], drawn[j][measure, n], how)
        for measure in MEASURES
        for n in first["n"]
        for i, j in combinations(range(len(returned)), 2)
        if (measure, n) in drawn[i] and (measure, n) in drawn[j]
    ]
    trends = {measure: _trend(halves, how.seed) for measure, halves in alone.items()}
    corrected = holm([each["over_runs"]["p_value"] for each in trends.values()])
    ends = [returned[0].model, returned[-1].model]
    for (measure, trend), p_value in zip(trends.items(), corrected, strict=True):
        trend["over_runs"]["p_adjusted"] = p_value
        said = [row["verdict"] for row in pairs if row["models"] == ends and row["measure"] == measure]
        trend["verdict"] = _verdict(trend["statistic"], p_value, said, 1 - how.confidence)
    resistance, unmeasured = _resistance(returned)
    return {
        "models": [each.model for each in returned],
        "half_returns": told,
        "pairs": pairs,
        "trend": trends,
        "resistance": resistance,
        "missing": missing + unmeasured,
    }


def _drawn(halves: pa.Table) -> dict[tuple[str, int], Floats]:
    """(measure, n) -> [1 + draws], all seeds taken together, by draw."""
    together = halves.filter(pc.is_null(halves["seed"])).sort_by("draw")
    found: dict[tuple[str, int], list[float]] = {}
    for measure, n, rows in zip(
        *(together[key].to_pylist() for key in ("measure", "n", "rows")), strict=True
    ):
        found.setdefault((measure, n), []).append(rows)
    return {place: np.array(rows) for place, rows in found.items()}


def _alone(returned: Sequence[Returned], measure: str, starts: list[int], seeds: list[int]) -> Floats:
    """Half-returns of each seed alone, [models, starts, seeds]; NaN where there is none."""
    found = np.full((len(returned), len(starts), len(seeds)), np.nan)
    for number, each in enumerate(returned):
        of_seeds = each.halves.filter(pc.is_valid(each.halves["seed"]))
        for row in of_seeds.filter(pc.equal(of_seeds["measure"], measure)).to_pylist():
            found[number, starts.index(row["n"]), seeds.index(row["seed"])] = row["rows"]
    return found


def _sooner(earlier: Floats, later: Floats, how: Measurement) -> dict[str, Any]:
    numbers = lead(later, earlier, how)
    return numbers | {"verdict": _WORDS.get(numbers["verdict"], numbers["verdict"])}


def _trend(values: Floats, seed: int) -> dict[str, Any]:
    """Whether values fall from model to model.

    Args:
        values: float64 [models, starts, seeds]; NaN where there is none.
        seed: of shufflings, where there are too many to try all.

    Returns:
        `statistic`, of all pairs of models at the same start and seed the share in which the later one is
        lower, minus that in which it is higher (1 is the paper's order; None without pairs); how many `pairs`
        that is; `over_models` (p-value where whole models are shuffled, and the least one that these values
        could reach) and `over_runs` (the same where models are shuffled within each seed, all starts alike).
    """
    # [starts, seeds, models, models] -> a seed's starts are of one run of each model, and shuffled together
    signs = np.array([signs_of(values[:, start]) for start in range(values.shape[1])])
    there = ~np.isnan(values)
    pairs = int(sum((there[i] & there[j]).sum() for i, j in combinations(range(len(values)), 2)))
    nothing = {"p_value": None, "shufflings": 0, "least_p": None}
    if pairs == 0:
        return {"statistic": None, "pairs": 0, "over_models": dict(nothing), "over_runs": dict(nothing)}
    of_seeds = signs.sum(axis=0)
    over_runs, over_models = shuffled(of_seeds, seed), shuffled(of_seeds.sum(axis=0, keepdims=True), seed)
    total = over_runs.pop("total")
    del over_models["total"]
    return {
        "statistic": total / pairs,
        "pairs": pairs,
        "over_models": over_models,
        "over_runs": over_runs,
    }


def _verdict(statistic: float | None, p_value: float | None, said: list[str], least: float) -> str:
    """Apart where the order is beyond chance, and intervals of first and last model agree with it."""
    if statistic is None or p_value is None or p_value > least:
        return "not told apart"
    wanted, against = ("faster", "slower") if statistic > 0 else ("slower", "faster")
    return wanted if wanted in said and against not in said else "not told apart"


def _resistance(returned: Sequence[Returned]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Inverse minus forward loss by model, and whether it falls from model to model.

    Returns:
        Per kind of loss `comparisons` (per model and pair of checkpoints `value`, `low`, `high`) and `trend`
        over whole models (the seeds stand together here, so there is no other); and what is missing.
    """
    measured = [each for each in returned if each.resistance is not None]
    missing = [
        {"model": each.model, "n": None, "measure": "resistance", "reason": "no checkpoints were compared"}
        for each in returned
        if each.resistance is None
    ]
    found: dict[str, Any] = {}
    for loss in LOSSES:
        rows = [
            {"model": each.model, "earlier": row["earlier"], "later": row["later"]}
            | row[loss]["inverse_minus_forward"]
            for each in measured
            for row in (each.resistance or {})["comparisons"]
        ]
        steps = sorted({(row["earlier"], row["later"]) for row in rows})
        values = np.full((len(returned), len(steps), 1), np.nan)
        names = [each.model for each in returned]
        for row in rows:
            values[names.index(row["model"]), steps.index((row["earlier"], row["later"])), 0] = row["value"]
        trend = _trend(values, 0)
        del trend["over_runs"]
        found[loss] = {"comparisons": rows, "trend": trend}
    return found, missing
