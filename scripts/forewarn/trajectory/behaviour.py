"""When behaviour changes: rates by checkpoint against the benign organism's, the onset, and its lag.

The onset is the first checkpoint at which the organism's interval lies above the benign organism's at the
same checkpoint and scale. Two separate 95 % intervals are 2.77 standard errors apart, which chance alone
reaches in 0.3 % of comparisons. So the first of N checkpoints to do so is a chance finding in N x 0.3 % of
runs at most, and the choice among checkpoints is paid for as long as these are few. Intervals are Wilson's,
of as many independent responses as the answers to the prompts are worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtr

from forewarn.errors import StudyError
from forewarn.statistics.bootstrap import resample
from forewarn.statistics.intervals import quantile
from forewarn.statistics.overdispersion import design_effect, intraclass_correlation
from forewarn.steering.contrasts import Counts, count_by_prompt
from forewarn.trajectory.checkpoints import MEASURES, arm_of
from forewarn.trajectory.read import Floats

SCHEMA = pa.schema(
    [
        pa.field("measure", pa.string(), nullable=False),  # general (split test) or narrow
        pa.field("scale", pa.float64(), nullable=False),  # of the adapter
        pa.field("step", pa.int32(), nullable=False),  # optimiser steps
        pa.field("n", pa.int32(), nullable=False),  # responses
        pa.field("n_questions", pa.int32(), nullable=False),
        pa.field("misaligned", pa.int32(), nullable=False),
        pa.field("rate", pa.float64()),  # misaligned of all n
        pa.field("low", pa.float64(), nullable=False),  # Wilson's interval, with the design effect
        pa.field("high", pa.float64(), nullable=False),
        pa.field("mean_coherence", pa.float64()),  # 0 to 100, of scored responses
        pa.field("benign_n", pa.int32(), nullable=False),  # the same of the benign organism
        pa.field("benign_misaligned", pa.int32(), nullable=False),
        pa.field("benign_rate", pa.float64()),
        pa.field("benign_low", pa.float64(), nullable=False),
        pa.field("benign_high", pa.float64(), nullable=False),
        pa.field("benign_mean_coherence", pa.float64()),
        pa.field("design_effect", pa.float64(), nullable=False),  # pooled over checkpoints and organisms
        pa.field("clears", pa.bool_(), nullable=False),  # low above benign_high
    ]
)
"""One row per measure, scale and checkpoint."""


@dataclass(frozen=True)
class Curve:
    """One measure at one scale.

    Attributes:
        steps: of the checkpoints, ascending; 0 among them.
        own: counts of the organism at each.
        benign: counts of the benign organism.
        effect: design effect of a prompt's answers.
    """

    steps: tuple[int, ...]
    own: tuple[Counts, ...]
    benign: tuple[Counts, ...]
    effect: float


def curves_of(own: pa.Table, benign: pa.Table) -> dict[tuple[str, float], Curve]:
    """Pair the checkpoints of an organism with the benign one's, by measure and scale.

    Args:
        own: judged responses of the organism's checkpoints, with `forewarn.steering.responses.RESPONSES`.
        benign: the same of the benign organism.

    Raises:
        StudyError: the two were asked at different checkpoints or other questions.
    """
    found = {}
    for measure, split in MEASURES.items():
        arms = [_by_arm(table, split) for table in (own, benign)]
        keys = sorted(set(arms[0]) | set(arms[1]))
        for key in keys:
            if any(key not in each for each in arms) or len({len(each[key].responses) for each in arms}) > 1:
                raise StudyError(
                    f"organism and benign organism were not asked alike at step {key[0]}, scale {key[1]:g}",
                    "give both the same `trajectory_every` and `steps`, for their checkpoints are compared",
                )
        effect = _pooled_effect([counts for each in arms for counts in each.values()])
        for scale in sorted({scale for _, scale in keys}):
            # Before the first step all scales are one arm.
            chosen = [(step, other) for step, other in keys if other == scale or step == 0]
            found[measure, scale] = Curve(
                tuple(step for step, _ in chosen),
                tuple(arms[0][key] for key in chosen),
                tuple(arms[1][key] for key in chosen),
                effect,
            )
    return found


def behaviour_table(curves: Mapping[tuple[str, float], Curve], confidence: float) -> pa.Table:
    """Rates with intervals, see `SCHEMA`."""
    rows = []
    for (measure, scale), curve in curves.items():
        for step, own, benign in zip(curve.steps, curve.own, curve.benign, strict=True):
            mine, theirs = (_numbers(counts, curve.effect, confidence) for counts in (own, benign))
            rows.append(
                {"measure": measure, "scale": scale, "step": step, "design_effect": curve.effect}
                | {"n_questions": len(own.responses), "clears": bool(mine["low"] > theirs["high"])}
                | mine
                | {f"benign_{key}": value for key, value in theirs.items()}
            )
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def onset(
    curve: Curve, rotated_at: int | None, *, confidence: float, bootstrap: int, seed: int
) -> dict[str, Any]:
    """The first checkpoint that clears the benign organism's, its lag behind the rotation, and intervals.

    Prompts are drawn again, the same for all checkpoints of both organisms, and the rule is applied to each
    draw. The step of the rotation does not depend on prompts. A draw without an onset counts as one after
    the last checkpoint.

    Args:
        curve: see `curves_of`.
        rotated_at: step of the rotation; None if none was declared.
        confidence: of the intervals, those of the rates among them.
        bootstrap: how many draws.
        seed: of the draws.

    Returns:
        `step` (None: no checkpoint clears), `after` (the checkpoint before it), `interval` (`low` and `high`
        in steps, None beyond the last checkpoint), `without_onset` (share of the draws), `chance_of_any`
        (bound on the chance that one clears where the two do not differ), `n_checkpoints`, `n_prompts`,
        `n_responses` of a checkpoint, `lowest_coherence` (least mean of a checkpoint, 0 to 100; an adapter
        that is scaled too far answers nothing that could count); and `lag` with `steps` and `interval`, or
        None and the `reason`.
    """
    counts = [np.stack([getattr(each, key) for each in side]).astype(float)
              for side in (curve.own, curve.benign) for key in ("misaligned", "responses")]  # fmt: skip
    prompts = counts[0].shape[1]
    drawn = np.concatenate([np.ones((1, prompts), dtype=np.int64), resample(prompts, bootstrap, seed)])
    own, own_n, benign, benign_n = (drawn @ each.T for each in counts)  # [1 + draws, checkpoints]
    low, _ = wilson_ends(own, own_n, curve.effect, confidence)
    _, high = wilson_ends(benign, benign_n, curve.effect, confidence)
    clears = low > high
    steps = np.array([*curve.steps, np.inf])
    first = steps[np.where(clears.any(axis=1), clears.argmax(axis=1), len(steps) - 1)]
    step = _finite(first[0])
    tail = (1 - confidence) / 2
    ends = np.quantile(first[1:], [tail, 1 - tail], method="inverted_cdf")  # steps, not means of two
    interval: dict[str, Any] = {"low": _finite(ends[0]), "high": _finite(ends[1]), "confidence": confidence}
    before = [each for each in curve.steps if step is not None and each < step]
    content = {
        "step": step,
        "after": before[-1] if before else None,
        "interval": interval | {"resamples": bootstrap},
        "without_onset": float(np.mean(np.isinf(first[1:]))),
        "chance_of_any": min(1.0, float(len(curve.steps) * ndtr(-np.sqrt(2) * quantile(confidence)))),
        "n_checkpoints": len(curve.steps),
        "n_prompts": prompts,
        "n_responses": int(own_n[0].max()),
        "lowest_coherence": min(
            (each.coherence.sum() / each.scored.sum() for each in curve.own if each.scored.any()),
            default=None,
        ),
    }
    missing = [("no rotation", rotated_at), ("no onset", step)]
    if reasons := [reason for reason, value in missing if value is None]:
        return content | {"lag": None, "reason": " and ".join(reasons)}
    assert step is not None and rotated_at is not None
    shifted = {key: None if interval[key] is None else interval[key] - rotated_at for key in ("low", "high")}
    return content | {"lag": {"steps": step - rotated_at, "interval": interval | shifted}}


def wilson_ends(
    count: NDArray[Any], n: NDArray[Any], effect: float, confidence: float
) -> tuple[Floats, Floats]:
    """Wilson's interval of `count` of `n` where `effect` responses are worth one; 0 to 1 where n is 0.

    As `forewarn.statistics.intervals.wilson`, of arrays and of numbers that need not be whole.
    """
    z, size = quantile(confidence), np.asarray(n, dtype=np.float64) / effect
    share = np.divide(count, n, out=np.zeros(size.shape), where=size > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shrink = 1 + z**2 / size
        centre = (share + z**2 / (2 * size)) / shrink
        half = z / shrink * np.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    low = np.where((size == 0) | (share == 0), 0.0, centre - half)
    high = np.where((size == 0) | (share == 1), 1.0, centre + half)
    return low, high


def _pooled_effect(cells: Sequence[Counts]) -> float:
    """Design effect of a prompt's answers, by the mean correlation over cells that have one; at least 1."""
    found = np.array([intraclass_correlation(each.misaligned, each.responses) for each in cells])
    known = found[~np.isnan(found)]
    samples = max((float(each.responses.mean()) for each in cells if len(each.responses)), default=1.0)
    return max(1.0, design_effect(samples, float(known.mean()))) if len(known) else 1.0


def _by_arm(responses: pa.Table, split: str) -> dict[tuple[int, float], Counts]:
    inside = np.array(responses["split"].to_pylist(), dtype=object) == split
    if not inside.any():
        return {}
    chosen = responses.filter(pa.array(inside))
    return {arm_of(name): counts for (_, name), counts in count_by_prompt(chosen).items()}


def _numbers(counts: Counts, effect: float, confidence: float) -> dict[str, Any]:
    misaligned, n = int(counts.misaligned.sum()), int(counts.responses.sum())
    low, high = wilson_ends(np.array(misaligned), np.array(n), effect, confidence)
    scored = int(counts.scored.sum())
    return {
        "n": n,
        "misaligned": misaligned,
        "rate": misaligned / n if n else None,
        "low": float(low),
        "high": float(high),
        "mean_coherence": float(counts.coherence.sum()) / scored if scored else None,
    }


def _finite(value: float) -> int | None:
    return None if np.isinf(value) else int(value)
