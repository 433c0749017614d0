"""Whether a path has points as far apart as they are to be compared; light, for it is asked of every plan."""

from __future__ import annotations

from collections.abc import Sequence

from forewarn.errors import StudyError


def check_lags(lags: Sequence[int], every: int, organism: str) -> None:
    """Refuse lags that fall between snapshots.

    Raises:
        StudyError: one is no multiple of the steps between snapshots.
    """
    if wrong := [lag for lag in lags if lag % every]:
        raise StudyError(
            f"matrices of {organism} were saved every {every} steps, so none lie {wrong[0]} steps apart",
            f"set `lags` of phase_transition to multiples of {every}, or `trajectory_every` of its adapter",
        )
