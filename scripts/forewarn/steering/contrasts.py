"""What each arm does to the EM rate: against the baseline, and the direction against the random ones.

Several responses to one prompt are no independent draws, and all arms answer the same prompts with the same
random numbers. Newcombe's interval knows neither: it may be too narrow for the one reason and too wide for
the other. So a bootstrap over prompts, paired between arms, stands beside it, and a rate is said to differ
where both intervals leave out 0. Where it is not, the smallest difference stands there that would have been
found. Random directions count as those that were drawn: the interval is about other prompts, not about other
random directions, whose spread the summary tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.statistics.bootstrap import Interval, percentile_interval, resample
from forewarn.statistics.detectable import Direction, minimal_detectable_difference
from forewarn.statistics.intervals import newcombe, wilson
from forewarn.statistics.ratios import bootstrap_ratio, design_effect

SAME = ("subject", "operation", "coefficient", "layer", "positions")
"""What a random arm shares with the arm of the direction that it stands beside."""


@dataclass(frozen=True)
class Measurement:
    """How to measure.

    Attributes:
        confidence: of all intervals.
        power: chance to find the difference that is named where none was found.
        bootstrap: resamples of the prompts.
        seed: of the resamples.
    """

    confidence: float = 0.95
    power: float = 0.8
    bootstrap: int = 2000
    seed: int = 0


@dataclass(frozen=True)
class Counts:
    """The responses of one arm, or of several together, by prompt.

    Attributes:
        misaligned: int64 [prompts].
        responses: int64 [prompts], all of them.
        coherence: float64 [prompts], sum of the coherence scores (0-100).
        scored: int64 [prompts], responses with such a score.
    """

    misaligned: NDArray[np.int64]
    responses: NDArray[np.int64]
    coherence: NDArray[np.float64]
    scored: NDArray[np.int64]

    def __add__(self, other: Counts) -> Counts:
        """Those of both together."""
        return Counts(
            self.misaligned + other.misaligned,
            self.responses + other.responses,
            self.coherence + other.coherence,
            self.scored + other.scored,
        )


def compare_arms(
    responses: pa.Table, arms: Sequence[dict[str, Any]], how: Measurement
) -> list[dict[str, Any]]:
    """Intervals and differences of each arm, in the order of `arms`.

    Args:
        responses: of the schema `forewarn.steering.responses.RESPONSES`.
        arms: from `forewarn.steering.verdict.summarise_arms`.
        how: to measure.

    Returns:
        Per arm `coherence_interval` (of the mean, over prompts), `against_baseline` (of the same subject;
        None for the baseline) and `against_random` (all random arms of the same subject, operation, dose,
        place and positions together; None without any, and for the random arms). See `contrast`.
    """
    found = count_by_prompt(responses)
    drawn = resample(len(next(iter(found.values())).responses), how.bootstrap, how.seed)
    baseline = {arm["subject"]: _of(found, arm) for arm in arms if arm["kind"] == "baseline"}
    compared = []
    for arm in arms:
        mine, direction = _of(found, arm), _expected(arm)
        randoms = [_of(found, other) for other in arms if _beside(other, arm)]
        compared.append(
            {
                "coherence_interval": _coherence(mine, drawn, how).as_dict(),
                "against_baseline": None
                if arm["kind"] == "baseline"
                else contrast(mine, baseline[arm["subject"]], drawn, direction, how),
                "against_random": {"arms": len(randoms)}
                | contrast(mine, sum(randoms[1:], randoms[0]), drawn, direction, how)
                if randoms
                else None,
            }
        )
    return compared


def contrast(
    first: Counts, second: Counts, drawn: NDArray[np.int64], direction: Direction, how: Measurement
) -> dict[str, Any]:
    """The difference of two EM rates on the same prompts.

    Args:
        first: responses under an intervention.
        second: what they are compared with.
        drawn: resamples of the prompts, int64 [resamples, prompts].
        direction: to which side a difference is looked for; says which `minimal_detectable` one is meant.
        how: to measure.

    Returns:
        `of` (the second rate, with its Wilson interval), `difference` (first minus second, with Newcombe's
        interval), `by_prompt` (its interval by the bootstrap), `differs`; and, exactly where it does not,
        `minimal_detectable`: the smallest `difference` that would have been found with that `power` (None
        where even the largest would not), for as many independent responses as these are worth by the
        `design_effect`.
    """
    one, other = (wilson(*_sums(counts), how.confidence) for counts in (first, second))
    difference = newcombe(one, other)
    ratios = [bootstrap_ratio(each.misaligned, each.responses, drawn) for each in (first, second)]
    draws = ratios[0] - ratios[1]
    clustered = percentile_interval(draws, how.confidence, drawn.shape[1])
    ends = [(difference.low, difference.high), (clustered.low, clustered.high)]
    differs = all(low is not None and high is not None and low * high > 0 for low, high in ends)
    content = {
        "of": other.as_dict(),
        "difference": difference.as_dict(),
        "by_prompt": clustered.as_dict(),
        "differs": differs,
    }
    if differs:
        return content
    first_rate, second_rate = one.value or 0.0, other.value or 0.0
    effect = design_effect(draws, (first_rate, one.n), (second_rate, other.n))
    least = minimal_detectable_difference(
        int(one.n / effect), int(other.n / effect), second_rate, how.power, how.confidence, direction
    )
    found = {"difference": least, "direction": direction, "power": how.power, "design_effect": effect}
    return content | {"minimal_detectable": found}


def count_by_prompt(responses: pa.Table) -> dict[tuple[str, str], Counts]:
    """Counts of each subject's arms, each [prompts] in the sorted order of the prompts of all arms."""
    frame = {name: np.array(responses.column(name).to_pylist(), dtype=object) for name in _COLUMNS}
    prompts, place = np.unique(frame["question_id"], return_inverse=True)
    coherence = frame["coherent"].astype(np.float64)
    keys = list(zip(frame["subject"], frame["arm"], strict=True))
    rows: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)

    def total(chosen: list[int], values: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(place[chosen], values[chosen], len(prompts)).astype(np.float64)

    return {
        key: Counts(
            total(chosen, frame["misaligned"] == True).astype(np.int64),  # noqa: E712 - null is not misaligned
            total(chosen, np.ones(len(keys))).astype(np.int64),
            total(chosen, np.nan_to_num(coherence)),
            total(chosen, ~np.isnan(coherence)).astype(np.int64),
        )
        for key, chosen in rows.items()
    }


_COLUMNS = ("subject", "arm", "question_id", "misaligned", "coherent")


def _expected(arm: dict[str, Any]) -> Direction:
    """To which side an arm of the direction should move the rate."""
    return "above" if arm["operation"] == "add" else "below"


def _beside(other: dict[str, Any], arm: dict[str, Any]) -> bool:
    """Whether an arm is one of the random ones that an arm of a direction is held against."""
    tested = arm["kind"] in ("direction", "own_direction")
    return tested and other["kind"].startswith("random") and all(other[key] == arm[key] for key in SAME)


def _coherence(counts: Counts, drawn: NDArray[np.int64], how: Measurement) -> Interval:
    """Of the mean coherence score."""
    means = bootstrap_ratio(counts.coherence, counts.scored, drawn)
    found = percentile_interval(means, how.confidence, drawn.shape[1])
    return found if counts.scored.any() else replace(found, reason="no response was scored")


def _of(found: dict[tuple[str, str], Counts], arm: dict[str, Any]) -> Counts:
    return found[arm["subject"], arm["arm"]]


def _sums(counts: Counts) -> tuple[int, int]:
    return int(counts.misaligned.sum()), int(counts.responses.sum())
