"""What each adapter serves, by a rule that was fixed before looking, and how well all together tell.

The rule: an adapter serves a question if its coefficient lies beyond chance, with the choice among all adapters
and both questions paid for (Holm). It is `general` if it serves `misaligned` alone, `narrow` if it serves
`in_domain` alone, `both`, or `neither`; where one of the questions cannot be asked, nobody is called anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.adapters.problems import Name, Problem, in_scope, problems
from forewarn.adapters.probes import Coefficients, coefficients, held_out, pairs_of, transferred
from forewarn.adapters.scalars import Tokens
from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.holm import holm
from forewarn.statistics.nulls import against_null
from forewarn.statistics.pairs import Pairs

RULE = (
    "an adapter serves a question if its L1 coefficient lies beyond shuffled labels, adjusted by Holm over all "
    "adapters and both questions; general: misaligned alone, narrow: in_domain alone"
)
Verdict = Literal["general", "narrow", "both", "neither"]
GROUPS: dict[Verdict, Name] = {"general": "misaligned", "narrow": "in_domain"}
"""Groups that are scaled, and the question that each serves."""

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
"""One row per question and adapter: its coefficient on all units (in standard deviations of the scalar), where
it lies when units are drawn anew and under shuffled labels, the share of fits that keep it, and the AUROC of
its scalar alone (below 0.5: the scalar falls where the answer is positive; A's sign means nothing by itself)."""


@dataclass(frozen=True)
class Settings:
    """How to measure, see `forewarn.config.model.adapter_readings`."""

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
        The summary (`rule`, `adapters`, counts, `problems`, `verdicts`, `unsupported`); a table of `READINGS`;
        and the adapters of each verdict, with `order.general` and `order.narrow`: all adapters by the size of
        their coefficient.
    """
    asked = problems(tokens, domain)
    found = {
        name: coefficients(problem, how.strength, fits=how.fits, permutations=how.permutations, seed=how.seed)
        for name, problem in asked.items()
        if not isinstance(problem, str)
    }
    adjusted = _adjusted(found)
    serves = {name: adjusted[name] < 1 - how.confidence for name in found}
    verdicts = _verdicts(tokens.adapters, serves)
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


def chosen_groups(found: Mapping[str, Sequence[str]], fallback: int) -> dict[str, Any]:
    """The modules that are scaled together.

    A group to which the rule gives no module takes the `fallback` modules with the largest coefficient of its
    question that are not in the other group, and is marked: what it shows is not about modules that serve it.

    Args:
        found: from `read_adapters`.
        fallback: modules of such a group.

    Returns:
        `groups`: name -> {"modules", "fallback"}; empty where a question could not be asked.
    """
    groups: dict[str, Any] = {}
    for group, other in (("general", "narrow"), ("narrow", "general")):
        modules, order = list(found[group]), found.get(f"order.{group}")
        if order is None:
            continue
        taken = groups[other]["modules"] if other in groups else found[other]
        spare = [name for name in order if name not in taken][:fallback]
        if chosen := modules or spare:
            groups[group] = {"modules": sorted(chosen), "fallback": not modules}
    return {"modules": sorted({name for names in found.values() for name in names}), "groups": groups}


def unsupported(asked: Mapping[Name, Problem | str], tokens: Tokens, domain: Sequence[str]) -> list[str]:
    """Findings of arXiv 2506.11618 that these answers cannot support, whatever the numbers are."""
    inside = np.isin(tokens.category.astype(str), list(domain))
    told = []
    if not np.any(~inside & ~tokens.misaligned):
        told.append(
            "general misalignment: no aligned answer outside the domain, so a reading of misalignment cannot "
            "be told from one of misaligned answers in the domain, nor tried outside it"
        )
    problem = asked["in_domain"]
    if not isinstance(problem, str):
        both = set(problem.tokens.prompt[problem.positive]) & set(problem.tokens.prompt[~problem.positive])
        if not both:
            told.append(
                "narrow misalignment: no prompt has misaligned answers inside the domain and outside it, so "
                "the domain of an answer cannot be told from that of its question"
            )
    problem = asked["misaligned"]
    if not isinstance(problem, str):
        mixed = _mixed(problem)
        if mixed < LEAST_MIXED:
            told.append(f"misalignment within prompts: {mixed} prompts have answers of both classes")
    return told


LEAST_MIXED = 10
"""Prompts with both classes below which figures within prompts rest on too few."""


def _mixed(problem: Problem) -> int:
    positive = set(problem.unit[problem.positive].tolist())
    return len(positive & set(problem.unit[~problem.positive].tolist()))


def _adjusted(found: Mapping[Name, Coefficients]) -> dict[Name, NDArray[np.float64]]:
    """P-values of all adapters and questions, adjusted together."""
    every = [float(value) for each in found.values() for value in each.p_values]
    values = iter(holm(every))
    return {name: np.array([next(values) for _ in each.p_values]) for name, each in found.items()}


def _verdicts(adapters: Sequence[str], serves: Mapping[Name, NDArray[np.bool_]]) -> dict[str, Verdict]:
    """What each adapter serves; nothing where a question could not be asked."""
    if len(serves) < len(GROUPS):
        return {}
    names: dict[tuple[bool, bool], Verdict] = {
        (True, False): "general", (False, True): "narrow", (True, True): "both", (False, False): "neither",
    }  # fmt: skip
    return {
        adapter: names[bool(general), bool(narrow)]
        for adapter, general, narrow in zip(adapters, serves["misaligned"], serves["in_domain"], strict=True)
    }


def _summary(problem: Problem, how: Settings) -> dict[str, Any]:
    """Counts; the AUROC of probes that were fitted on other units, with its null; and, to compare with figures
    of the field, that of one fitted on tokens of the same prompts."""
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
        "n_mixed_prompts": _mixed(problem) if problem.name == "misaligned" else 0,
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
    for at, adapter in enumerate(problem.tokens.adapters):
        draws = found.draws[~np.isnan(found.draws[:, at]), at]
        tail = [(1 - how.confidence) / 2, (1 + how.confidence) / 2]
        low, high = np.quantile(draws, tail) if len(draws) else (None, None)
        null_low, null_high = np.quantile(found.null[:, at], tail)
        areas = _areas(problem, pairs_of(problem, problem.tokens.scalars[:, at]), how)
        pooled, within = areas["pooled"], areas.get("within_prompt")
        rows.append(
            {
                "problem": problem.name,
                "adapter": adapter,
                "coefficient": float(found.fitted[at]),
                "coefficient_low": low,
                "coefficient_high": high,
                "selected_share": float(np.mean(draws != 0)) if len(draws) else None,
                "null_low": null_low,
                "null_high": null_high,
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
    other = in_scope(tokens, domain, "inside")
    if isinstance(other, str):
        return {"reason": other}
    areas = _areas(other, pairs_of(other, transferred(problem, other, how.strength)), how)
    counts = {"n_answers": len(other.positive), "n_positive": int(other.positive.sum())}
    return {"fitted": "outside", "scored": "inside", **counts, "n_units": other.n_units, "per_token": areas}
