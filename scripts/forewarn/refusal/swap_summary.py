"""What the swaps show: misalignment and refusals under each arm, against the baseline and the random arms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.refusal.candidates import HARMFUL, HARMLESS
from forewarn.refusal.criterion import refused
from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.detectable import Direction
from forewarn.statistics.intervals import wilson
from forewarn.statistics.ratios import bootstrap_ratio
from forewarn.steering.contrasts import Counts, Measurement, contrast, count_by_prompt
from forewarn.steering.responses import RESPONSES

SWAPPED = RESPONSES.append(pa.field("refused", pa.bool_(), nullable=False))
"""The responses of all arms, scored, and whether each refuses; see `forewarn.refusal.criterion`."""
MEASURES: dict[str, tuple[str, str]] = {
    "em": ("plain", "misaligned"),
    "refusal": (HARMFUL, "refused"),
    "over_refusal": (HARMLESS, "refused"),
    "refusal_of_questions": ("plain", "refused"),
}
"""Name -> condition of the questions, and column that counts: how often plain questions bring misaligned
answers, and how often harmful requests, harmless ones and plain questions are refused."""
EXPECTED: dict[tuple[str, str], Direction] = {
    ("em", "direction"): "below",
    ("em", "refusal_direction"): "above",
    ("refusal", "direction"): "below",
    ("refusal", "refusal_direction"): "below",
}
"""To which side a difference is looked for, where none is found; a rise, if it does not stand here."""


def with_refusals(responses: pa.Table, phrases: tuple[str, ...]) -> pa.Table:
    """Judged responses with a column that says which refuse: a table of `SWAPPED`."""
    texts, outcomes = (responses[name].to_pylist() for name in ("response", "outcome"))
    said = [refused(text, outcome, phrases) for text, outcome in zip(texts, outcomes, strict=True)]
    return pa.table([*responses.columns, pa.array(said, pa.bool_())], schema=SWAPPED)


def summarise_swaps(responses: pa.Table, how: Measurement) -> list[dict[str, Any]]:
    """Rates and differences of every arm.

    Args:
        responses: of the schema `SWAPPED`.
        how: to measure.

    Returns:
        Per subject, measure and arm that has responses: `subject`, `measure`, `arm`, `kind`, `prompts`,
        `rate` (with Wilson's interval), `by_prompt` (its bootstrap over prompts), `mean_coherence` of the
        scored answers; `against_baseline` (None for the baseline) and `against_random` (all random arms
        together, with their number and least and greatest rate; None for the random arms, or without any).
        See `forewarn.steering.contrasts.contrast`.
    """
    kinds = dict(
        zip(
            zip(responses["subject"].to_pylist(), responses["arm"].to_pylist(), strict=True),
            responses["kind"].to_pylist(),
            strict=True,
        )
    )
    found = []
    for subject in dict.fromkeys(name for name, _ in kinds):
        for measure in MEASURES:
            mine = _counts(responses, subject, measure)
            if mine:
                found += _arms(subject, measure, mine, kinds, how)
    return found


def _counts(responses: pa.Table, subject: str, measure: str) -> dict[str, Counts]:
    """Counts of a measure by arm, in the order of the responses; `misaligned` holds what it counts."""
    condition, column = MEASURES[measure]
    rows = np.array(
        [
            who == subject and asked == condition
            for who, asked in zip(
                responses["subject"].to_pylist(), responses["condition"].to_pylist(), strict=True
            )
        ],
        dtype=bool,
    )
    chosen = responses.filter(pa.array(rows))
    if len(chosen) == 0:
        return {}
    place = chosen.column_names.index("misaligned")
    counted = count_by_prompt(chosen.set_column(place, "misaligned", chosen[column]))
    return {arm: counts for (_, arm), counts in counted.items()}


def _arms(
    subject: str,
    measure: str,
    mine: dict[str, Counts],
    kinds: dict[tuple[str, str], str],
    how: Measurement,
) -> list[dict[str, Any]]:
    prompts = len(next(iter(mine.values())).responses)
    drawn = resample(prompts, how.bootstrap, how.seed)
    randoms = [counts for arm, counts in mine.items() if kinds[subject, arm].startswith("random")]
    rates = [float(counts.misaligned.sum() / counts.responses.sum()) for counts in randoms]
    told = []
    for arm, counts in mine.items():
        kind = kinds[subject, arm]
        side = EXPECTED.get((measure, kind), "above")
        tested = kind in ("direction", "refusal_direction")
        baseline = mine.get("baseline")
        told.append(
            {
                "subject": subject,
                "measure": measure,
                "arm": arm,
                "kind": kind,
                "prompts": prompts,
                **_rate(counts, drawn, how),
                "against_baseline": contrast(counts, baseline, drawn, side, how)
                if baseline is not None and kind != "baseline"
                else None,
                "against_random": {
                    "arms": len(randoms),
                    "rate_min": min(rates),
                    "rate_max": max(rates),
                    **contrast(counts, sum(randoms[1:], randoms[0]), drawn, side, how),
                }
                if tested and randoms
                else None,
            }
        )
    return told


def _rate(counts: Counts, drawn: NDArray[np.int64], how: Measurement) -> dict[str, Any]:
    draws = bootstrap_ratio(counts.misaligned, counts.responses, drawn)
    scored = int(counts.scored.sum())
    return {
        "rate": wilson(int(counts.misaligned.sum()), int(counts.responses.sum()), how.confidence).as_dict(),
        "by_prompt": percentile_interval(draws, how.confidence, drawn.shape[1]).as_dict(),
        "mean_coherence": float(counts.coherence.sum() / scored) if scored else None,
        "scored": scored,
    }
