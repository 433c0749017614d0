"""All organisms' detection in one file, headed by the one number that was declared primary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from forewarn.errors import StudyError
from forewarn.files import read_json

# Of one direction, what a reader of the headline needs beside AUROC itself.
_HEADLINE = ("auroc", "reason", "interval", "layer", "null", "baselines")


def collect(
    summaries: list[Path], *, model: str, primary: dict[str, str], configuration: str
) -> dict[str, Any]:
    """Gather the summaries of `detect`.

    Args:
        summaries: one JSON file per organism, as written by the script `detect`.
        model: name of the model.
        primary: `{"organism", "direction"}`, declared before looking, and "target", which is the organism
            itself if not given.
        configuration: digest of the configuration behind all of it.

    Returns:
        `{"model", "configuration", "estimand", "theorem", "primary", "organisms"}`; "primary" repeats the
        declared choice with its AUROC, interval, null, layer, ceiling, baselines and counts; "organisms"
        holds the summaries by name, without the texts they share.

    Raises:
        StudyError: a summary cannot be read, or there is none of the primary organism, target or direction.
    """
    primary = {"target": "organism", **primary}
    organisms = {}
    for path in summaries:
        try:
            summary = read_json(path)
            organisms[summary["organism"]] = summary
        except (OSError, json.JSONDecodeError, KeyError) as error:
            raise StudyError(
                f"{path} is no summary of a detection: {error}", "delete it and run again"
            ) from error
    shared = {key: summary.pop(key) for summary in organisms.values() for key in ("estimand", "theorem")}
    return {
        "model": model,
        "configuration": configuration,
        **shared,
        "primary": _primary(organisms, primary),
        "organisms": organisms,
    }


def _primary(organisms: dict[str, Any], primary: dict[str, str]) -> dict[str, Any]:
    targets = _declared(organisms, primary, "organism")["targets"]
    target = _declared(targets, primary, "target")
    direction = _declared(target["directions"], primary, "direction")
    return {
        **primary,
        **{key: direction[key] for key in _HEADLINE if key in direction},
        "ceiling": target["ceiling"]["pooled"],
        "within_prompt": target["within_prompt"],
        **target["test"],
    }


def _declared(offered: dict[str, Any], primary: dict[str, str], key: str) -> Any:
    if primary[key] not in offered:
        raise StudyError(
            f"the primary {key} is {primary[key]!r}, but detection covers {', '.join(sorted(offered))}",
            f"set the detection's primary {key} to one of these",
        )
    return offered[primary[key]]
