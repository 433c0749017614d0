"""All organisms' detection in one file, headed by the one number that was declared primary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from forewarn.errors import StudyError
from forewarn.files import read_json
from forewarn.statistics.bootstrap import percentile_interval
from forewarn.statistics.labels import Labels
from forewarn.statistics.tables import read_columns, strings
from forewarn.statistics.two_way import two_way_bootstrap

# Of one detector, what a reader of the headline needs beside AUROC itself.
_HEADLINE = (
    "auroc", "reason", "interval", "layer", "null", "content", "family_wise", "within_category", "precision",
    "baselines", "best_baseline", "alarms", "claims",
)  # fmt: skip
_SHARED = ("estimand", "theorem", "design")
_PROJECTIONS = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("detector", pa.string(), nullable=False),
        pa.field("projection", pa.float64(), nullable=False),
        pa.field("n", pa.int64(), nullable=False),
        pa.field("n_misaligned", pa.int64(), nullable=False),
    ]
)


def collect(
    summaries: list[Path],
    projections: list[Path],
    across: Path | None,
    *,
    model: str,
    primary: dict[str, str],
    configuration: str,
) -> dict[str, Any]:
    """Gather the summaries of `detect`.

    Args:
        summaries: one JSON file per organism, as written by the script `detect`.
        projections: the tables beside them, in the same order.
        across: what each organism's detectors read in the others; None with one organism.
        model: name of the model.
        primary: `{"organism", "detector"}`, declared before looking, and "target", which is the organism
            itself if not given.
        configuration: digest of the configuration behind all of it.

    Returns:
        `{"model", "configuration", "estimand", "theorem", "design", "primary", "seeds", "across",
        "organisms"}`; "primary" repeats the declared choice with its figures, ceiling, claims and counts;
        "seeds" its mean over all training seeds of the primary organism; "organisms" holds the summaries by
        name, without the texts they share.

    Raises:
        StudyError: a file cannot be read, or there is none of the primary organism, target or detector.
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
    shared = {key: summary.pop(key) for summary in organisms.values() for key in _SHARED}
    tables = dict(zip(organisms, projections, strict=True))
    return {
        "model": model,
        "configuration": configuration,
        **shared,
        "primary": _primary(organisms, primary),
        "seeds": _seeds(organisms, tables, primary),
        "across": read_json(across)["pairs"] if across else [],
        "organisms": organisms,
    }


def _primary(organisms: dict[str, Any], primary: dict[str, str]) -> dict[str, Any]:
    targets = _declared(organisms, primary, "organism")["targets"]
    target = _declared(targets, primary, "target")
    detector = _declared(target["detectors"], primary, "detector")
    return {
        **primary,
        **{key: detector[key] for key in _HEADLINE if key in detector},
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


def _seeds(organisms: dict[str, Any], tables: dict[str, Path], primary: dict[str, str]) -> dict[str, Any]:
    """Mean AUROC of the declared detector over training seeds, resampling seeds and prompts."""
    group = primary["organism"].rpartition("-seed")[0]
    names = [name for name in organisms if name.rpartition("-seed")[0] == group]
    found = [_scored(tables[name], primary) for name in names]
    settings = organisms[primary["organism"]]
    aurocs = {
        name: organisms[name]["targets"][primary["target"]]["detectors"][primary["detector"]]["auroc"]
        for name in names
    }
    content: dict[str, Any] = {"aurocs": aurocs, "n_seeds": len(names)}
    if len(names) < 2 or any(value is None for value in aurocs.values()):
        return content | {"mean": None, "reason": "needs two seeds or more with an AUROC each"}
    if len({tuple(ids) for ids, _, _ in found}) > 1:
        return content | {"mean": None, "reason": "the seeds were measured on different prompts"}
    draws = two_way_bootstrap(
        [(scores, labels) for _, scores, labels in found], settings["bootstrap"], settings["seed"]
    )
    interval = percentile_interval(draws, settings["confidence"], len(found[0][0]))
    return content | {"mean": float(np.mean(list(aurocs.values()))), "interval": interval.as_dict()}


def _scored(path: Path, primary: dict[str, str]) -> tuple[list[str], Any, Labels]:
    table = read_columns(path, _PROJECTIONS)
    chosen = (
        (strings(table, "split") == "test")
        & (strings(table, "target") == primary["target"])
        & (strings(table, "detector") == primary["detector"])
    )
    table = table.filter(chosen)
    return (
        table.column("question_id").to_pylist(),
        table.column("projection").to_numpy(),
        Labels.of(table.column("n_misaligned").to_numpy(), table.column("n").to_numpy()),
    )
