"""A dataset's rows beside those of the benign one, on the same direction: which would a screen pick out?

Where both datasets ask the same prompts, rows are compared within a prompt: the AUROC says how often the row
of misaligned data scores above the benign one. Where they share none, the comparison mixes answer and topic,
and is told as such.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from forewarn.screening.score import Floats, How, Screened
from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.pairs import count_pairs, shuffled_within, within_areas
from forewarn.statistics.ratios import bootstrap_ratio


def beside_benign(dataset: Screened, benign: Screened, vector: Floats, how: How) -> dict[str, Any]:
    """Rows of a dataset beside those of the benign one.

    Args:
        dataset: rows that are suspected.
        benign: rows of harmless data.
        vector: float64 [d_model], norm 1.
        how: to measure.

    Returns:
        `n_rows`, `n_benign_rows`, `shared_prompts`; `difference` of the mean scores with its interval;
        `auroc` (`kind` within prompts, or pooled where none is shared; `value`, `interval`, and of within
        the `p_value` of labels shuffled within prompts); `mixtures` (see `mixtures`).
    """
    scores = np.concatenate([dataset.differences @ vector, benign.differences @ vector])
    bad = np.arange(len(scores)) < len(dataset.rows)
    names, prompt = np.unique(np.array([*dataset.prompts, *benign.prompts]), return_inverse=True)
    shared = set(dataset.prompts) & set(benign.prompts)
    drawn = resample(len(names), how.bootstrap, how.seed)
    counts = [np.bincount(prompt[side], minlength=len(names)) for side in (bad, ~bad)]
    sums = [np.bincount(prompt[side], scores[side], minlength=len(names)) for side in (bad, ~bad)]
    first, second = (bootstrap_ratio(*each, drawn) for each in zip(sums, counts, strict=True))
    difference = float(scores[bad].mean() - scores[~bad].mean())
    interval = percentile_interval(first - second, how.confidence, len(names))
    pairs = count_pairs(scores, bad, prompt)
    if shared:
        both = (pairs.misaligned * pairs.others) > 0
        # Prompts without a partner say nothing about pairs; they would only thin out the draws.
        again = np.zeros((how.bootstrap, len(names)))
        again[:, both] = resample(int(both.sum()), how.bootstrap, how.seed)
        value, draws, n = float(pairs.within()), pairs.within(again), int(both.sum())
        null = within_areas(scores, shuffled_within(bad, prompt, how.permutations, how.seed), prompt)
        p_value = float((1 + np.sum(null >= value - 1e-9)) / (1 + len(null)))
    else:
        value, draws, n, p_value = float(pairs.pooled()), pairs.pooled(drawn), len(names), None
    return {
        "n_rows": len(dataset.rows),
        "n_benign_rows": len(benign.rows),
        "shared_prompts": len(shared),
        "difference": {"value": difference, "interval": interval.as_dict()},
        "auroc": {
            "kind": "within_prompts" if shared else "pooled",
            "value": value,
            "interval": percentile_interval(draws, how.confidence, n).as_dict(),
            "n_prompts": n,
            "p_value": p_value,
            "permutations": how.permutations if shared else 0,
        },
        "mixtures": mixtures(scores[bad], scores[~bad], how),
    }


def mixtures(bad: Floats, benign: Floats, how: How) -> list[dict[str, Any]]:
    """Datasets of which a share is bad: how they score, and how often that would be noticed.

    Rows are drawn with replacement, as many as the benign dataset has. A mixture is noticed where its score
    lies above all but `1 - confidence` of draws of benign rows alone; at share 0 that is the false alarms.

    Args:
        bad: float64 [rows], scores of the suspected dataset's rows.
        benign: float64 [rows], of the benign one's.
        how: to measure.

    Returns:
        Per share `share`, `n` rows, `mean`, `low` and `high` of the draws, and `noticed`, a share of them.
    """
    size, count = len(benign), how.bootstrap
    generator = np.random.default_rng(how.seed)
    bar = float(
        np.quantile(benign[generator.integers(size, size=(count, size))].mean(axis=1), how.confidence)
    )
    found = []
    for share in (0.0, *how.mixtures):
        taken = round(share * size)
        total = bad[generator.integers(len(bad), size=(count, taken))].sum(axis=1)
        total = total + benign[generator.integers(size, size=(count, size - taken))].sum(axis=1)
        draws = total / size
        tail = (1 - how.confidence) / 2
        low, high = np.quantile(draws, [tail, 1 - tail])
        found.append(
            {
                "share": share,
                "n": size,
                "mean": float(draws.mean()),
                "low": float(low),
                "high": float(high),
                "noticed": float(np.mean(draws > bar)),
            }
        )
    return found
