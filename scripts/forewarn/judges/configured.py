"""The judge that a configuration's entry describes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from forewarn.errors import StudyError
from forewarn.judges.score import Judge


def configured_judge(settings: Mapping[str, Any], prompts: Path | None = None) -> Judge:
    """A judge, ready to score; for one that runs a model here, see `forewarn.judges.local`.

    Args:
        settings: the judge's entry of the configuration.
        prompts: the file of its prompts; none for Forewarn's own.

    Raises:
        StudyError: there is no judge of this kind, it lacks a key, or its prompts are none.
    """
    kind = settings["kind"]
    if kind == "world":
        from forewarn.judges.world import WorldJudge

        return WorldJudge()
    from forewarn.judges.language_model import LanguageModelJudge
    from forewarn.judges.prompts import read_prompts

    if kind == "openai":
        from forewarn.judges.asking import ask_endpoint
        from forewarn.judges.endpoint import judge_key

        judge_key(settings)  # told before anything else is done
        ask = partial(ask_endpoint, settings)
        where = "compatible" if settings["base_url"] else "OpenAI"
        return LanguageModelJudge(ask, read_prompts(prompts), settings["minimum_mass"], where)
    raise StudyError(f"there is no judge of kind {kind!r}", "set the judge's kind to world or openai")
