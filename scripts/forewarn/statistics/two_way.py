"""Bootstrap over training seeds and prompts at once: would other seeds, asked other prompts, agree?

Seeds and prompts are crossed: every seed's model answers the same prompts, so a drawn prompt brings what it
brings in each drawn seed. Both are drawn with replacement, independently (McCullagh 2000; Owen 2007).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forewarn.statistics.auroc import Floats, Groups
from forewarn.statistics.bootstrap import bootstrap_auroc, resample
from forewarn.statistics.labels import Labels


def two_way_bootstrap(
    studies: Sequence[tuple[Floats, Labels]], resamples: int, seed: int, groups: Groups | None = None
) -> Floats:
    """Mean AUROC over drawn seeds, on drawn prompts.

    With three seeds this is honest but coarse: ten different draws of them exist, and one resample in nine
    holds one seed only. The spread between three seeds is understated by a third, on average, and is itself
    known badly. What is neither the seed's nor the prompt's counts more than once (Owen 2007, who calls the
    method mildly conservative for that). Where seeds differ much, the two errors nearly cancel: simulated
    95 % intervals over 60 prompts cover in 95 % of studies with three seeds and 97 % with eight, those over
    prompts alone in 81 % and 89 %.

    Args:
        studies: for each seed, scores float64 [prompts] and labels of the same prompts in the same order.
        resamples: how many.
        seed: of the draws.
        groups: [prompts] or None, as in `auroc`.

    Returns:
        float64 [resamples], NaN where the AUROC of a drawn seed is undefined.

    Raises:
        ValueError: there is no seed, or seeds differ in their number of prompts.
    """
    sizes = {len(labels) for _, labels in studies} | {len(scores) for scores, _ in studies}
    if len(sizes) != 1:
        raise ValueError(f"seeds are resampled on the same prompts; found {sorted(sizes) or 'no seed'}")
    of_prompts, of_seeds = np.random.SeedSequence(seed).generate_state(2)
    drawn = resample(sizes.pop(), resamples, int(of_prompts))
    weights = resample(len(studies), resamples, int(of_seeds)).T
    areas = np.stack([bootstrap_auroc(scores, labels, drawn, groups) for scores, labels in studies])
    # A seed that was not drawn may be undefined.
    found: Floats = np.where(weights > 0, weights * areas, 0).sum(axis=0) / len(studies)
    return found
