"""How well the scalars of all adapters together tell, and each one alone (arXiv 2506.11618)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.adapters.groups import GROUPS, RULE, Verdict, verdicts_of
from forewarn.adapters.limits import mixed_prompts, unsupported
from forewarn.adapters.probes import Coefficients, coefficients, held_out, pairs_of, quantiles, transferred
from forewarn.adapters.problems import Name, Problem, in_scope, problems
from forewarn.adapters.scalars import Tokens
from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.holm import holm
from forewarn.statistics.nulls import against_null
from forewarn.statistics.pairs import Pairs

READINGS = pa.schema(
    [
        pa.field("problem", pa.string(), nullable=False),
        pa.field("adapter", pa.string(), nullable=False),
        pa.field("coefficient", pa.float64(), nullable=False),
        pa.field("coefficient_low", pa.float64()),
        pa.field("coefficient_high", pa.float64()),
        pa.field("selected_share", pa.float64()),
        pa.field("null_low", pa.float64()),
        pa.field("null_high", pa.float64()),
        pa.field("p_value", pa.float64(), nullable=False),
        pa.field("p_adjusted", pa.float64(), nullable=False),
        pa.field("serves", pa.bool_(), nullable=False),
        pa.field("auroc", pa.float64()),
        pa.field("auroc_low", pa.float64()),
        pa.field("auroc_high", pa.float64()),
        pa.field("within_prompt_auroc", pa.float64()),
        pa.field("within_prompt_low", pa.float64()),
        pa.field("within_prompt_high", pa.float64()),
    ]
)
"""One row per question and adapter: its coefficient on all units (in standard deviations of the scalar),
where it lies when units are drawn anew and under shuffled labels, the share of fits that keep it, and the
AUROC of its scalar alone (below 0.5: the scalar falls where the answer is positive; A's sign means nothing
by itself)."""


@dataclass(frozen=True)
class Settings:
    """How to measure, see `forewarn.config.model.adapter_readings`."""

    minimum_per_class: int
    strength: float
    fits: int
    folds: int
    permutations: int
    refits: int
    bootstrap: int
    confidence: float
    seed: int


def read_adapters(
    tokens: Tokens, domain: Sequence[str], how: Settings
) -> tuple[dict[str, Any], pa.Table, dict[str, list[str]]]:
    """Ask both questions.

    Args:
        tokens: of labelled answers.
        domain: categories inside the domain of the fine-tuning.
        how: to measure.

    Returns:
        The summary (`rule`, `adapters`, counts, `problems`, `verdicts`, `unsupported`); a table of
        `READINGS`; and the adapters of each verdict, with `order.general` and `order.narrow`: all adapters
        by the size of their coefficient.
    """
    asked = problems(tokens, domain, how.minimum_per_class)
    found = {
        name: coefficients(problem, how.strength, fits=how.fits, permutations=how.permutations, seed=how.seed)
        for name, problem in asked.items()
        if not isinstance(problem, str)
    }
    adjusted = _adjusted(found)
    serves = {
        name: (adjusted[name] < 1 - how.confidence) & found[name].kept(how.confidence) for name in found
    }
    verdicts = verdicts_of(tokens.adapters, serves)
    rows = [
        row
        for name, problem in asked.items()
        if not isinstance(problem, str)
        for row in _rows(problem, found[name], adjusted[name], serves[name], how)
    ]
    summary = {
        "rule": RULE,
        "adapters": list(tokens.adapters),
        "domain": list(domain),
        "n_answers": len(tokens.prompt),
        "n_left_out": tokens.left_out,
        "n_tokens": len(tokens.answer),
        "problems": {
            name: {"reason": problem} if isinstance(problem, str) else _summary(problem, how)
            for name, problem in asked.items()
        },
        "transfer": _transfer(asked["misaligned"], tokens, domain, how),
        "verdicts": verdicts,
        "unsupported": unsupported(asked, tokens, domain),
    }
    groups = {
        verdict: [name for name in tokens.adapters if verdicts.get(name) == verdict]
        for verdict in get_args(Verdict)
    }
    orders = {
        f"order.{group}": [
            tokens.adapters[at] for at in np.argsort(-np.abs(found[name].fitted), kind="stable")
        ]
        for group, name in GROUPS.items()
        if name in found
    }
    return summary, pa.Table.from_pylist(rows, schema=READINGS), groups | orders


def _adjusted(found: Mapping[Name, Coefficients]) -> dict[Name, NDArray[np.float64]]:
    """P-values of all adapters and questions, adjusted together."""
    every = [float(value) for each in found.values() for value in each.p_values]
    values = iter(holm(every))
    return {name: np.array([next(values) for _ in each.p_values]) for name, each in found.items()}


def _summary(problem: Problem, how: Settings) -> dict[str, Any]:
    """Counts; the AUROC of probes that were fitted on other units, with its null; and, to compare with
    figures of the field, that of one fitted on tokens of the same prompts."""
    answer = problem.tokens.answer
    scores = held_out(problem, problem.positive, how.strength, how.folds, how.seed)
    areas = _areas(problem, pairs_of(problem, scores), how)
    fitted = pairs_of(problem, transferred(problem, problem, how.strength))
    # The held-out scores are made anew for every shuffling: the left-out units are labelled by chance too.
    chance = []
    for labels in problem.shuffled(how.refits, how.seed):
        shuffled = Problem(problem.name, problem.scope, problem.tokens, labels, problem.unit, problem.units)
        pairs = pairs_of(shuffled, held_out(shuffled, labels, how.strength, how.folds, how.seed))
        chance.append({"pooled": float(pairs.pooled()), "within_prompt": float(pairs.within())})
    for kind, area in areas.items():
        null = np.array([each[kind] for each in chance])
        area["null"] = against_null(area["auroc"], null, how.confidence).as_dict()
    return {
        "scope": problem.scope,
        "n_answers": len(problem.positive),
        "n_positive": int(problem.positive.sum()),
        "n_tokens": len(answer),
        "units": problem.units,
        "n_units": problem.n_units,
        "n_mixed_prompts": mixed_prompts(problem) if problem.name == "misaligned" else 0,
        "shuffled": "answers of a prompt"
        if problem.name == "misaligned"
        else f"whole {problem.units} labels",
        "per_token": areas,
        "per_token_of_the_same_prompts": float(fitted.pooled()),
    }


def _areas(problem: Problem, pairs: Pairs, how: Settings) -> dict[str, Any]:
    """AUROC over tokens with its interval over units; and within prompts, where they have both classes."""
    drawn = resample(problem.n_units, how.bootstrap, how.seed)
    kinds = {"pooled": pairs.pooled, "within_prompt": pairs.within}
    if problem.name == "in_domain":
        del kinds["within_prompt"]
    found = {}
    for kind, measure in kinds.items():
        value = float(measure())
        interval = percentile_interval(measure(drawn), how.confidence, problem.n_units)
        found[kind] = {"auroc": None if np.isnan(value) else value, "interval": interval.as_dict()}
    return found


def _rows(
    problem: Problem,
    found: Coefficients,
    adjusted: NDArray[np.float64],
    serves: NDArray[np.bool_],
    how: Settings,
) -> list[dict[str, Any]]:
    rows = []
    interval, null = found.interval(how.confidence), quantiles(found.null, how.confidence)
    for at, adapter in enumerate(problem.tokens.adapters):
        draws = found.draws[~np.isnan(found.draws[:, at]), at]
        areas = _areas(problem, pairs_of(problem, problem.tokens.scalars[:, at]), how)
        pooled, within = areas["pooled"], areas.get("within_prompt")
        rows.append(
            {
                "problem": problem.name,
                "adapter": adapter,
                "coefficient": float(found.fitted[at]),
                "coefficient_low": float(interval[0, at]),
                "coefficient_high": float(interval[1, at]),
                "selected_share": float(np.mean(draws != 0)) if len(draws) else None,
                "null_low": float(null[0, at]),
                "null_high": float(null[1, at]),
                "p_value": float(found.p_values[at]),
                "p_adjusted": float(adjusted[at]),
                "serves": bool(serves[at]),
                "auroc": pooled["auroc"],
                "auroc_low": pooled["interval"]["low"],
                "auroc_high": pooled["interval"]["high"],
                "within_prompt_auroc": within and within["auroc"],
                "within_prompt_low": within and within["interval"]["low"],
                "within_prompt_high": within and within["interval"]["high"],
            }
        )
    return rows


def _transfer(problem: Problem | str, tokens: Tokens, domain: Sequence[str], how: Settings) -> dict[str, Any]:
    """AUROC in the domain of a probe for misalignment that was fitted outside it."""
    if isinstance(problem, str) or problem.scope != "outside":
        return {"reason": "no probe could be fitted outside the domain"}
    other = in_scope(tokens, domain, "inside", how.minimum_per_class)
    if isinstance(other, str):
        return {"reason": other}
    areas = _areas(other, pairs_of(other, transferred(problem, other, how.strength)), how)
    counts = {"n_answers": len(other.positive), "n_positive": int(other.positive.sum())}
    return {"fitted": "outside", "scored": "inside", **counts, "n_units": other.n_units, "per_token": areas}
