"""How well an autoencoder reconstructs activations, and which texts its features are most active in.

Both are gathered batch by batch, so that the activations of all features at all tokens never exist at once.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.features.autoencoder import Autoencoder

TEXTS = pa.schema(
    [
        pa.field("feature", pa.int32(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("activation", pa.float32(), nullable=False),
        pa.field("before", pa.string(), nullable=False),
        pa.field("token", pa.string(), nullable=False),
        pa.field("after", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("held_out", pa.bool_(), nullable=False),
    ]
)
"""The texts of a feature's largest activations, from rank 1: the token, and what stands around it.

Of a text its largest activation counts, and of texts that are alike up to that token, the larger.
`source` says where the text is from, and `held_out` whether the autoencoder was kept from it.
"""


class Quality:
    """Sums over tokens; `summary` says what they come to."""

    def __init__(self, autoencoder: Autoencoder) -> None:
        """Nothing is read yet."""
        features, width = autoencoder.W_dec.shape
        self._autoencoder = autoencoder
        self.tokens = 0
        self.active = np.zeros(features, dtype=np.int64)
        self._sum, self._squares, self._missed = np.zeros(width), np.zeros(width), 0.0

    def add(self, vectors: NDArray[Any], activations: NDArray[Any]) -> None:
        """Count tokens: float [tokens, d_model], and their features, float [tokens, features]."""
        rows = np.asarray(vectors, dtype=np.float64)
        self.tokens += len(rows)
        self.active += (activations > 0).sum(axis=0)
        self._sum += rows.sum(axis=0)
        self._squares += (rows**2).sum(axis=0)
        self._missed += float(((rows - self._autoencoder.decode(activations)) ** 2).sum())

    def summary(self) -> dict[str, Any]:
        """`tokens`, `features`, `explained_variance`, `l0` and `dead`.

        `explained_variance` is 1 - sum |x - reconstruction|^2 / sum |x - mean|^2 (None where tokens do not
        vary), `l0` the mean number of active features per token, and `dead` how many are active at none of
        them.
        """
        n = max(1, self.tokens)
        total = float((self._squares - self._sum**2 / n).sum())
        return {
            "tokens": self.tokens,
            "features": len(self.active),
            "explained_variance": 1 - self._missed / total if total > 0 else None,
            "l0": float(self.active.sum() / n) if self.tokens else None,
            "dead": int((self.active == 0).sum()),
        }


class TopTexts:
    """The texts in which each feature is most active; of a text, the one token."""

    def __init__(self, features: int, count: int, context: int) -> None:
        """Keep `count` texts per feature, with `context` tokens on either side."""
        self._heaps: list[list[tuple[float, int, int]]] = [[] for _ in range(features)]
        self._rows: dict[tuple[int, int], tuple[str, str, str, str, bool]] = {}
        self._count, self._context, self._number = count, context, 0

    def add(self, activations: NDArray[Any], tokens: Sequence[str], source: str, held_out: bool) -> None:
        """Read one text: float [tokens, features], and the text of each token."""
        number, self._number = self._number, self._number + 1
        if not len(activations):
            return
        places, largest = activations.argmax(axis=0), activations.max(axis=0)
        for feature in np.flatnonzero(largest > 0):
            heap, place = self._heaps[feature], int(places[feature])
            entry = (float(largest[feature]), -number, place)  # of equal activations, the earlier text
            if len(heap) >= self._count and entry <= heap[0]:
                continue
            before = "".join(tokens[max(0, place - self._context) : place])
            # A causal model reads much the same in texts that begin alike: of those, the largest stays.
            alike = [
                known for known in heap if self._rows[-known[1], known[2]][:2] == (before, tokens[place])
            ]
            if alike and alike[0] >= entry:
                continue
            if alike:
                heap.remove(alike[0])
                heapq.heapify(heap)
            (heapq.heappush if len(heap) < self._count else heapq.heapreplace)(heap, entry)
            after = "".join(tokens[place + 1 : place + 1 + self._context])
            self._rows[number, place] = (before, tokens[place], after, source, held_out)

    def table(self) -> pa.Table:
        """See `TEXTS`; by feature and rank."""
        rows = [
            (feature, rank, activation, *self._rows[-number, place])
            for feature, heap in enumerate(self._heaps)
            for rank, (activation, number, place) in enumerate(sorted(heap, reverse=True), start=1)
        ]
        columns = [[row[place] for row in rows] for place in range(len(TEXTS))]
        return pa.table(
            [pa.array(column, field.type) for column, field in zip(columns, TEXTS, strict=True)], schema=TEXTS
        )
