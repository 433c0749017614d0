"""Asking an endpoint from several processes: computing what goes with requests can keep a core busy.

Each process asks its part and leaves the answers in the store; a last pass in this one takes them from there,
and asks what is left. So whatever becomes of a part, errors and reasons come out as they would without.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from forewarn.errors import StudyError
from forewarn.judges.store import Store

log = logging.getLogger("forewarn")

SMALLEST = 200
"""Prompts of a part below which a process of its own does not pay."""
MOST = 4
"""Processes at most; two cores keep more than a hundred requests in flight busy."""


def ask_in_parts(
    settings: Mapping[str, Any], judge: str, missing: Sequence[str], ask: Callable[..., Any]
) -> None:
    """Ask most prompts from several processes, if that pays; the answers are in the store afterwards.

    Args:
        settings: the judge's entry of the configuration. Concurrency, rate limit and what is left below the
            cost cap are dealt out to the parts.
        judge: digest of who is asked, by which the store knows what was spent.
        missing: prompts without an answer.
        ask: settings and prompts -> anything; called in each process.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    parts = min(cores, MOST, settings["concurrency"], len(missing) // SMALLEST)
    if parts < 2 or "fork" not in multiprocessing.get_all_start_methods():
        return
    with Store() as store:
        spent = store.spent(judge)
    cap, rate = settings["cost_cap"], settings["requests_per_minute"]
    dealt = dict(settings) | {
        "concurrency": settings["concurrency"] // parts,
        "requests_per_minute": rate and rate / parts,
        "cost_cap": cap and spent + max(0.0, cap - spent) / parts,
    }
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=_ask_part, args=(ask, dealt, missing[number::parts], number == 0), daemon=True)
        for number in range(parts)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _ask_part(
    ask: Callable[..., Any], settings: Mapping[str, Any], prompts: Sequence[str], heard: bool
) -> None:
    log.disabled = not heard  # one voice is enough; what goes wrong is told by the last pass
    with suppress(StudyError, KeyboardInterrupt):
        ask(settings, prompts)
