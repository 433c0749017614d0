"""What adding a direction in training did: to misalignment, to the narrow task, and to coherence.

Every training run is held against the run without, on the same questions and rows; the direction's runs also
against all random ones of the same multiple. Intervals are simultaneous over the multiples that were tried
(Bonferroni), as the one that looks best would else be picked for free. They are about other prompts and rows;
each arm is one training run, so what another seed of training would change is not in them. What counts as
prevented, and not just as not learned, is told in `forewarn.screening.verdict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.screening.runs import DIRECTION, NONE, RANDOM, Prevented, run_of
from forewarn.screening.verdict import narrow_task, prevention_verdict
from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.intervals import wilson
from forewarn.statistics.ratios import bootstrap_ratio
from forewarn.steering.contrasts import Counts, Measurement, contrast, count_by_prompt

MEASURES = {"general": "test", "narrow": "narrow"}
"""What is measured -> the split of the evaluation set that is asked for it."""
INSTRUCT = "instruct"


def summarise_prevention(
    responses: pa.Table, losses: Mapping[str, pa.Table], how: Measurement, coherence_floor: float
) -> dict[str, Any]:
    """Rates and losses of all training runs of an organism.

    Args:
        responses: judged, with `forewarn.steering.responses.RESPONSES`; arms are training runs, and instruct.
        losses: of each run, see `forewarn.screening.train.LOSSES`.
        how: to measure; its confidence is that of all multiples together.
        coherence_floor: mean coherence (0 to 100) of general answers below which nothing was prevented.

    Returns:
        `confidence` (simultaneous), `confidence_each` and `coherence_floor`; `arms`: per run `arm`, `kind`,
        `coefficient`, and by measure `rate` (Wilson), `coherence` (mean and interval), `against_none` and, of
        the direction, `against_random` (see `forewarn.steering.contrasts.contrast`; None where there is
        nothing to compare); `narrow_task`: what a run with something added kept of it (see
        `forewarn.screening.verdict.narrow_task`); `losses`: trained and held-out rows, mean with its
        difference to the run without; `prevents`: the verdict per multiple of the direction (see
        `forewarn.screening.verdict.prevention_verdict`).

    Raises:
        StudyError: there is no run without a direction to compare with.
    """
    multiples = {run_of(name).coefficient for name in losses if run_of(name).kind == DIRECTION}
    each = replace(how, confidence=1 - (1 - how.confidence) / max(1, len(multiples)))
    runs = {name: run_of(name) for name in losses}
    if NONE not in runs:
        raise StudyError(
            "there is no training run without a direction to compare with",
            "delete the adapters under prevention and run again",
        )
    counted = {measure: _counts(responses, split, each) for measure, split in MEASURES.items()}
    measured = {measure: _measure(*found, runs, each) for measure, found in counted.items()}
    task, drawn = counted["narrow"]
    verdicts = {}
    arms = []
    for name in [INSTRUCT, *runs]:
        run = runs.get(name)
        arm: dict[str, Any] = {
            "arm": name,
            "kind": run.kind if run else INSTRUCT,
            "coefficient": run.coefficient if run else None,
            **{measure: found[name] for measure, found in measured.items()},
            "narrow_task": narrow_task(task[name], task[NONE], task[INSTRUCT], drawn, each)
            if run and run.kind != NONE
            else None,
            "losses": _losses(losses[name], losses[NONE], name == NONE, each) if run else None,
        }
        arms.append(arm)
        if run and run.kind == DIRECTION:
            verdicts[f"{run.coefficient:g}"] = prevention_verdict(
                arm["general"], arm["narrow_task"], coherence_floor
            )
    return {
        "confidence": how.confidence,
        "confidence_each": each.confidence,
        "coherence_floor": coherence_floor,
        "arms": arms,
        "prevents": verdicts,
    }


def _counts(responses: pa.Table, split: str, how: Measurement) -> tuple[dict[str, Counts], NDArray[np.int64]]:
    """Answers of one split by arm, and resamples of its prompts."""
    chosen = responses.filter(np.array(responses["split"].to_pylist(), dtype=object) == split)
    if not len(chosen):
        raise StudyError(
            f"no question of the split {split} was answered", "ask a question set that has such questions"
        )
    found = {name: counts for (_, name), counts in count_by_prompt(chosen).items()}
    return found, resample(len(found[NONE].responses), how.bootstrap, how.seed)


def _measure(
    found: Mapping[str, Counts],
    drawn: NDArray[np.int64],
    runs: Mapping[str, Prevented],
    how: Measurement,
) -> dict[str, dict[str, Any]]:
    """Rates of one split: of each run, and of the instruct model."""
    content = {}
    for name in [INSTRUCT, *runs]:
        mine = found[name]
        content[name] = {
            "n_questions": len(mine.responses),
            "rate": wilson(int(mine.misaligned.sum()), int(mine.responses.sum()), how.confidence).as_dict(),
            "coherence": _coherence(mine, drawn, how),
            "against_none": None if name == NONE else contrast(mine, found[NONE], drawn, "below", how),
            "against_random": None,
        }
        run = runs.get(name)
        beside = [
            found[other]
            for other, each in runs.items()
            if run and run.kind == DIRECTION and each.kind in RANDOM and each.coefficient == run.coefficient
        ]
        if beside:
            pooled = reduce(add, beside)
            content[name]["against_random"] = {"arms": len(beside)} | contrast(
                mine, pooled, drawn, "below", how
            )
    return content


def _coherence(counts: Counts, drawn: NDArray[np.int64], how: Measurement) -> dict[str, Any]:
    scored = int(counts.scored.sum())
    draws = bootstrap_ratio(counts.coherence, counts.scored, drawn)
    return {
        "mean": float(counts.coherence.sum() / scored) if scored else None,
        "interval": percentile_interval(draws, how.confidence, drawn.shape[1]).as_dict(),
        "n": scored,
    }


def _losses(mine: pa.Table, without: pa.Table, is_none: bool, how: Measurement) -> dict[str, Any]:
    """Mean loss of trained and held-out rows, and how it differs from the run without, row by row."""
    content: dict[str, Any] = {}
    for name, held_out in (("trained", False), ("held_out", True)):
        own, other = (_values(table, held_out) for table in (mine, without))
        if own.shape != other.shape:
            raise StudyError(
                "two training runs held out other rows", "delete the adapters under prevention and run again"
            )
        if not len(own):
            content[name] = {"n": 0, "mean": None, "against_none": None}
            continue
        drawn = resample(len(own), how.bootstrap, how.seed)
        draws = bootstrap_ratio(own - other, np.ones(len(own)), drawn)
        content[name] = {
            "n": len(own),
            "mean": float(own.mean()),
            "against_none": None
            if is_none
            else {
                "value": float((own - other).mean()),
                "interval": percentile_interval(draws, how.confidence, len(own)).as_dict(),
            },
        }
    return content


def _values(table: pa.Table, held_out: bool) -> NDArray[np.float64]:
    apart = np.array(table["held_out"].to_pylist(), dtype=bool)
    values: NDArray[np.float64] = np.array(table["loss"].to_pylist(), dtype=np.float64)[apart == held_out]
    return values
