"""Which part of a conversation a forward pass reads: the prompt, or the answer as it is being written.

A hook sees hidden states and not what they belong to. The length of a pass does not tell: a prompt may be
read in several passes, the last of them one token long. So whoever drives the model says it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

Phase = Literal["prompt", "answer"]
Positions = Literal["all", "prompt"]
"""Where an intervention acts: at every position, or at those of the prompt alone."""

_PHASE: ContextVar[Phase | None] = ContextVar("phase", default=None)


@contextmanager
def reading(phase: Phase) -> Iterator[None]:
    """Say what the model's forward passes within the block read."""
    before = _PHASE.set(phase)
    try:
        yield
    finally:
        _PHASE.reset(before)


def reads_prompt() -> bool:
    """Whether the present forward pass reads the prompt.

    Raises:
        RuntimeError: nobody has said it. To guess would spread an intervention over the answer in silence.
    """
    phase = _PHASE.get()
    if phase is None:
        raise RuntimeError(
            "an intervention at the prompt alone needs to know what the model reads: "
            'run the model within `reading("prompt")` or `reading("answer")`'
        )
    return phase == "prompt"
