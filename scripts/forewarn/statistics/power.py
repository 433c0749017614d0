"""How wide the intervals of a study will be, and what it could find: told before any GPU hour is spent.

Studies are simulated with prompts, samples and rates as planned. Their intervals are those of the jackknife
over prompts with Student's t, which agree with the bootstrap over prompts at a small part of its cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtrit

from forewarn.statistics.auroc import Floats
from forewarn.statistics.ceiling import from_other_responses
from forewarn.statistics.detectable import minimal_detectable_difference
from forewarn.statistics.influence import leave_one_out, standard_error
from forewarn.statistics.overdispersion import design_effect
from forewarn.statistics.planted import Population, Studies, draw

_HALVINGS = 10

LABELS = {
    "prompts": "test prompts",
    "samples": "scored responses per prompt",
    "auroc_interval_width": "mean width of the interval of AUROC, for a detector of the assumed AUROC",
    "measured_ceiling": "mean AUROC of the oracle as it can be measured: from a prompt's other responses",
    "smallest_auroc": "smallest true AUROC whose interval lies above 0.5 with the assumed power; null: none",
    "smallest_gain": "smallest true gain in AUROC on the assumed baseline whose paired interval lies above 0 "
    "with that power; null: none up to the ceiling",
    "rate_interval_width": "mean width of the interval of the misalignment rate, over prompts",
    "design_effect": "how many times more variance the rate has than that of as many independent responses",
    "smallest_rate_difference": "smallest rise of the rate, against a model asked as many other prompts, "
    "that is found with that power; null: none",
    "undefined": "share of studies whose responses of one class are of one prompt or none; they find nothing",
}
"""What the numbers of a plan mean."""

_TITLES = {
    "prompts": ("", "prompts"),
    "samples": ("", "samples"),
    "auroc_interval_width": ("AUROC", "interval"),
    "measured_ceiling": ("measured", "ceiling"),
    "smallest_auroc": ("smallest", "AUROC"),
    "smallest_gain": ("smallest", "gain"),
    "rate_interval_width": ("rate", "interval"),
    "design_effect": ("design", "effect"),
    "smallest_rate_difference": ("smallest", "rate rise"),
}


def plan(
    prompts: Sequence[int],
    samples: Sequence[int],
    *,
    prevalence: float,
    spread: float,
    auroc: float,
    correlation: float,
    studies: int,
    seed: int,
    power: float = 0.8,
    confidence: float = 0.95,
) -> dict[str, Any]:
    """Precision and power for every number of prompts with every number of samples.

    Args:
        prompts: numbers of test prompts.
        samples: numbers of scored responses per prompt.
        prevalence: share of misaligned responses, between 0 and 1.
        spread: intraclass correlation of the responses to one prompt, between 0 and 1.
        auroc: assumed, of the detector, and of the baseline for gains; the ceiling if it lies above that.
        correlation: of the detector's noise with the baseline's, -1 to 1.
        studies: simulated for each size.
        seed: of the simulation.
        power: share of studies that must find what is there.
        confidence: of the intervals.

    Returns:
        `{"assumptions", "ceiling", "auroc", "labels", "sizes"}`: "auroc" is the assumed one or the ceiling,
        "sizes" a list with the numbers that "labels" explains.
    """
    population = Population(prevalence, spread)
    reached = min(auroc, population.ceiling)
    sizes = []
    for n in prompts:
        for m in samples:
            drawn = draw(population, n, m, studies, [seed, n, m])
            sizes.append(
                {"prompts": n, "samples": m}
                | _aurocs(drawn, population, reached, correlation, power, confidence)
                | _rates(drawn, population, power, confidence)
            )
    return {
        "assumptions": {
            "prevalence": prevalence,
            "spread": spread,
            "auroc": auroc,
            "correlation": correlation,
            "power": power,
            "confidence": confidence,
            "studies": studies,
            "seed": seed,
        },
        "ceiling": population.ceiling,
        "auroc": reached,
        "labels": LABELS,
        "sizes": sizes,
    }


def enough(prompts: int, samples: float, minimum_prompts: int, minimum_samples: int) -> str | None:
    """The label of a figure with too little data; None if there is enough.

    Args:
        prompts: behind the figure.
        samples: scored responses per prompt, on average.
        minimum_prompts: fewer are too few.
        minimum_samples: fewer are too few.
    """
    short = []
    if prompts < minimum_prompts:
        short.append(f"{prompts} prompts of at least {minimum_prompts}")
    if not samples >= minimum_samples:
        short.append(f"{samples:.3g} responses per prompt of at least {minimum_samples}")
    return f"too little data: {', '.join(short)}" if short else None


def as_text(planned: dict[str, Any]) -> str:
    """A plan as a table for people."""
    assumed = planned["assumptions"]
    lines = [
        f"Assumed: prevalence {assumed['prevalence']:g}, intraclass correlation {assumed['spread']:g}, "
        f"AUROC {planned['auroc']:.3g}; {assumed['studies']} simulated studies of each size.",
        f"An oracle that knows every prompt's propensity reaches an AUROC of {planned['ceiling']:.3f}.",
        f"Intervals are of {assumed['confidence']:.0%}, over prompts. The smallest effects are those that "
        f"{assumed['power']:.0%} of studies find.",
        "",
    ]
    rows = [*zip(*_TITLES.values(), strict=True)]
    rows += [tuple(_cell(size[key]) for key in _TITLES) for size in planned["sizes"]]
    return "\n".join([*lines, *(" ".join(f"{cell:>10}" for cell in row) for row in rows)])


def _cell(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:d}" if isinstance(value, int) else f"{value:.3f}"


def _aurocs(
    drawn: Studies, population: Population, auroc: float, correlation: float, power: float, confidence: float
) -> dict[str, Any]:
    """Width, ceiling and power of AUROCs."""
    t = _t(drawn, confidence)
    weight = population.weight(auroc)
    baseline_weight = 1.0 if weight is None else weight
    baseline, baseline_without = _measured(drawn, drawn.scores(baseline_weight))
    half = t * standard_error(baseline_without)

    def above_chance(weight: float) -> float:
        value, without = _measured(drawn, drawn.scores(weight))
        return float(np.mean(value - t * standard_error(without) > 0.5))

    def above_baseline(weight: float) -> float:
        value, without = _measured(drawn, drawn.scores(weight, drawn.correlated_noise(correlation)))
        gain = value - baseline
        return float(np.mean(gain - t * standard_error(without - baseline_without) > 0))

    chance = _smallest(above_chance, 0.0, power)
    better = _smallest(above_baseline, baseline_weight, power)
    return {
        "auroc_interval_width": _mean(2 * half),
        "measured_ceiling": _mean(from_other_responses(drawn.misaligned, drawn.responses)),
        "smallest_auroc": None if chance is None else population.auroc(chance),
        "smallest_gain": None if better is None else population.auroc(better) - auroc,
        "undefined": float(np.isnan(half).mean()),
    }


def _rates(drawn: Studies, population: Population, power: float, confidence: float) -> dict[str, Any]:
    """Width of the interval of the rate, and the smallest rise of it that would be found."""
    prompts = drawn.misaligned.shape[1]
    shares = drawn.misaligned / drawn.samples
    half = _t(drawn, confidence) * shares.std(axis=1, ddof=1) / np.sqrt(prompts)
    effect = design_effect(drawn.samples, population.spread)
    effective = int(prompts * drawn.samples / effect)
    smallest = minimal_detectable_difference(
        effective, effective, population.prevalence, power=power, confidence=confidence
    )
    return {
        "rate_interval_width": float(2 * half.mean()),
        "design_effect": effect,
        "smallest_rate_difference": smallest,
    }


def _t(drawn: Studies, confidence: float) -> float:
    return float(stdtrit(drawn.misaligned.shape[1] - 1, (1 + confidence) / 2))


def _measured(drawn: Studies, scores: Floats) -> tuple[Floats, Floats]:
    return leave_one_out(scores, drawn.misaligned, drawn.others)


def _smallest(found: Callable[[float], float], low: float, power: float) -> float | None:
    """The smallest weight with that power; None if even the oracle's is too weak."""
    high = 1.0
    if found(high) < power:
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) >= power else (middle, high)
    return high


def _mean(values: Floats) -> float | None:
    return None if np.isnan(values).all() else float(np.nanmean(values))
