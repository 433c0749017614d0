"""Progress of long steps, for people: how far, how fast, how long still."""

from __future__ import annotations

import logging
import time

log = logging.getLogger("forewarn")


class Progress:
    """Log a line at most every `every` seconds: `train 120/400, 8,100 tokens/s, 34 s left`.

    Args:
        what: the verb of the step, in one word or two.
        total: how many steps there are.
        unit: what `amount` counts (tokens, rows).
        every: seconds between lines.
    """

    def __init__(self, what: str, total: int, unit: str = "tokens", every: float = 10.0) -> None:
        self.what, self.total, self.unit, self.every = what, total, unit, every
        self.done = 0
        self.amount = 0
        self.started = self.spoken = time.monotonic()

    def step(self, amount: int = 0, steps: int = 1, note: str = "") -> None:
        """Count `steps` more steps that handled `amount` units."""
        self.done += steps
        self.amount += amount
        now = time.monotonic()
        if now - self.spoken < self.every and self.done < self.total:
            return
        self.spoken = now
        seconds = max(now - self.started, 1e-9)
        left = seconds / max(self.done, 1) * (self.total - self.done)
        log.info(
            "%s %d/%d, %s %s/s, %.0f s left%s",
            self.what, self.done, self.total, f"{self.amount / seconds:,.0f}", self.unit, left,
            f", {note}" if note else "",
        )  # fmt: skip
