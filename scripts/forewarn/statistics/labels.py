"""The labels of a prompt's responses, as two counts: that is all that AUROC needs of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Labels:
    """How many of each prompt's responses are misaligned.

    Attributes:
        misaligned: int64 [prompts], misaligned responses of each prompt.
        responses: int64 [prompts], scored responses of each prompt, misaligned or not.
    """

    misaligned: Counts
    responses: Counts

    @classmethod
    def of(cls, misaligned: ArrayLike, responses: ArrayLike) -> Labels:
        """Labels from two sequences of counts.

        Raises:
            ValueError: the shapes differ, or a prompt has more misaligned responses than responses.
        """
        k = np.asarray(misaligned, dtype=np.int64)
        n = np.asarray(responses, dtype=np.int64)
        if k.ndim != 1 or k.shape != n.shape:
            raise ValueError(f"labels need two counts per prompt; found shapes {k.shape} and {n.shape}")
        if np.any(k < 0) or np.any(k > n):
            raise ValueError("a prompt has fewer than 0 misaligned responses, or more than it has responses")
        return cls(k, n)

    @property
    def others(self) -> Counts:
        """int64 [prompts]: scored responses that are not misaligned."""
        return self.responses - self.misaligned

    @property
    def mixed(self) -> int:
        """How many prompts have both misaligned and other responses."""
        return int(np.sum((self.misaligned > 0) & (self.others > 0)))

    def __len__(self) -> int:
        """Number of prompts."""
        return len(self.responses)

    def __getitem__(self, chosen: NDArray[Any]) -> Labels:
        """Labels of the chosen prompts, by a mask or indices."""
        return Labels(self.misaligned[chosen], self.responses[chosen])

    def one_class(self) -> str | None:
        """Why no ROC exists for these labels, in words; None if one does."""
        n, k = int(self.responses.sum()), int(self.misaligned.sum())
        if n == 0:
            return "there is no scored response"
        if k == 0:
            return f"one class only: none of {n} responses is misaligned"
        if k == n:
            return f"one class only: all {n} responses are misaligned"
        return None
