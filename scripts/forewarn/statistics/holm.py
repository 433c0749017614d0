"""Many tests at once: Holm's correction (1979), which holds whatever the tests have in common."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """P-values that account for their number.

    Reject those below alpha, and the chance of one false finding in all tests together stays below alpha.

    Args:
        p_values: one per test; None where a test could not be made, which then does not count as one.

    Returns:
        Corrected p-values in the same order, at most 1, None where there was none.
    """
    made = sorted((value, place) for place, value in enumerate(p_values) if value is not None)
    corrected: list[float | None] = [None] * len(p_values)
    worst = 0.0
    for rank, (value, place) in enumerate(made):
        worst = max(worst, min(1.0, (len(made) - rank) * value))
        corrected[place] = worst
    return corrected
