"""How well the scalars of all adapters together tell, and each one alone (arXiv 2506.11618)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.adapters.groups import RULE, verdicts_of
from forewarn.adapters.limits import mixed_prompts, unsupported
from forewarn.adapters.probes import held_out, pairs_of, transferred
from forewarn.adapters.problems import Name, Problem, in_scope, problems
from forewarn.adapters.scalars import Tokens
from forewarn.adapters.serving import COEFFICIENTS
from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.nulls import against_null
from forewarn.statistics.pairs import Pairs

AREAS = ("auroc", "auroc_low", "auroc_high")
WITHIN = ("within_prompt_auroc", "within_prompt_low", "within_prompt_high")
READINGS = pa.schema([*COEFFICIENTS, *(pa.field(name, pa.float64()) for name in (*AREAS, *WITHIN))])
"""`COEFFICIENTS`, and the AUROC of each adapter's scalar alone (below 0.5: the scalar falls where the answer
is positive; A's sign means nothing by itself)."""


@dataclass(frozen=True)
class Settings:
    """How to measure, see `forewarn.config.model.adapter_readings`."""

    minimum_per_class: int
    strength: float
    folds: int
    refits: int
    bootstrap: int
    confidence: float
    seed: int


def read_adapters(
    tokens: Tokens, domain: Sequence[str], coefficients: pa.Table, how: Settings
) -> tuple[dict[str, Any], pa.Table]:
    """Measure how well the answers to both questions can be read.

    Args:
        tokens: of labelled answers.
        domain: categories inside the domain of the fine-tuning.
        coefficients: of the same, see `forewarn.adapters.serving.COEFFICIENTS`.
        how: to measure.

    Returns:
        The summary (`rule`, `adapters`, counts, `problems`, `transfer`, `verdicts`, `unsupported`), and a
        table of `READINGS`.
    """
    asked = problems(tokens, domain, how.minimum_per_class)
    rows = coefficients.to_pylist()
    serves: dict[Name, NDArray[np.bool_]] = {
        name: np.array([row["serves"] for row in rows if row["problem"] == name])
        for name, problem in asked.items()
        if not isinstance(problem, str)
    }
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
        "verdicts": verdicts_of(tokens.adapters, serves),
        "unsupported": unsupported(asked, tokens, domain),
    }
    measured = [row | _alone(asked[row["problem"]], row["adapter"], how) for row in rows]
    return summary, pa.Table.from_pylist(measured, schema=READINGS)


def _alone(problem: Problem | str, adapter: str, how: Settings) -> dict[str, float | None]:
    """AUROC of one adapter's scalar."""
    assert not isinstance(problem, str), "a question that has coefficients was asked"
    scores = problem.tokens.scalars[:, problem.tokens.adapters.index(adapter)]
    areas = _areas(problem, pairs_of(problem, scores), how)
    found: dict[str, float | None] = {}
    for kind, names in (("pooled", AREAS), ("within_prompt", WITHIN)):
        if kind in areas:
            ends = areas[kind]["interval"]
            found |= dict(zip(names, (areas[kind]["auroc"], ends["low"], ends["high"]), strict=True))
    return found


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
