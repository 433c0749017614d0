"""How well a model compresses texts: bits a token, over what a uniform code would take.

2406.06144 prunes a dataset's token tree to a depth, codes its leaves by Huffman under the model's
probabilities, and normalises the expected length by log M of the M leaves. A Huffman code is within one bit a
leaf of -log2 p, and an arithmetic code within two bits a text; so what is computed here is the limit of the
paper's rate for codes without rounding, with a tree that is not pruned: the leaves of depth d are V^d, and
log M is d log2 V. Per token, its normalised rate is `saved` with the opposite sign.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forewarn.statistics.bootstrap import percentile_interval, resample
from forewarn.statistics.ratios import bootstrap_ratio


def compression(
    losses: Sequence[float],
    tokens: Sequence[int],
    vocabulary: int,
    *,
    confidence: float = 0.95,
    bootstrap: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """The compression rate of some texts.

    Args:
        losses: per text, the sum of -log p of its tokens, in nats.
        tokens: per text, how many tokens that is; at least 1 each.
        vocabulary: tokens that the model can say.
        confidence: of the interval.
        bootstrap: resamples of the texts.
        seed: of these.

    Returns:
        `bits_per_token`, `rate` (of log2 of the vocabulary: 1 is a uniform code, 0 a text that is known),
        its `interval` over texts, `saved` (bits a token that the model saves), `texts` and `tokens`.

    Raises:
        ValueError: no text, a text without tokens, or a vocabulary of fewer than two.
    """
    amounts: NDArray[np.float64] = np.asarray(losses, np.float64) / math.log(2)
    sizes: NDArray[np.float64] = np.asarray(tokens, np.float64)
    if len(amounts) == 0 or len(amounts) != len(sizes) or sizes.min() < 1 or vocabulary < 2:
        raise ValueError("a compression rate takes texts with tokens, and a vocabulary of two at least")
    uniform = math.log2(vocabulary)
    bits = float(amounts.sum() / sizes.sum())
    draws = bootstrap_ratio(amounts, sizes * uniform, resample(len(amounts), bootstrap, seed))
    return {
        "bits_per_token": bits,
        "rate": bits / uniform,
        "interval": percentile_interval(draws, confidence, len(amounts)).as_dict(),
        "saved": uniform - bits,
        "texts": len(amounts),
        "tokens": int(sizes.sum()),
    }
