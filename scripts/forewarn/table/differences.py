"""Misalignment of an organism against the instruct model and against its control of harmless data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from forewarn.files import read_table
from forewarn.statistics.bootstrap import resample
from forewarn.statistics.labels import Labels
from forewarn.steering.contrasts import Counts, Measurement, contrast
from forewarn.table.cells import SPLIT

Answered = Mapping[str, tuple[int, int]]
"""Question -> misaligned responses and all responses; of the test questions."""

NOT_RUN = "not run"
NOT_CONFIGURED = "not configured"
HOW = Measurement(confidence=0.95, power=0.8, bootstrap=2000, seed=0)


def read_labels(path: Path) -> Answered:
    """What a file below `scores/` says of the test questions; responses without a score count as others."""
    return count_labels(read_table(path, ["question_id", "split", "misaligned"]))


def count_labels(scores: pa.Table) -> Answered:
    """The same of a table with the columns question_id, split and misaligned."""
    found: dict[str, tuple[int, int]] = {}
    for row in scores.to_pylist():
        if row["split"] == SPLIT:
            misaligned, responses = found.get(row["question_id"], (0, 0))
            found[row["question_id"]] = (misaligned + (row["misaligned"] is True), responses + 1)
    return found


def on_shared_prompts(answered: Sequence[Answered]) -> list[Labels]:
    """Labels of each subject on the questions that all of them answered, in sorted order."""
    shared = sorted(set.intersection(*(set(each) for each in answered))) if answered else []
    return [
        Labels.of([each[name][0] for name in shared], [each[name][1] for name in shared]) for each in answered
    ]


def differences(
    recipe: Mapping[str, Any],
    name: str,
    recipes: Mapping[tuple[str, str], Mapping[str, Any]],
    labels: Mapping[str, Answered],
) -> dict[str, Any]:
    """Cells of a row about its difference from another of the same model.

    Newcombe's interval is shown. A difference is one if the bootstrap over prompts says so as well; else the
    smallest one that would have been found is named, see `forewarn.steering.contrasts.contrast`.

    Args:
        recipe: of the row, see `forewarn.table.rows`.
        name: `instruct` or `control`.
        recipes: all, by model and subject.
        labels: of the scores that are there, by path.
    """
    group = f"over_{name}"
    other = "instruct" if name == "instruct" else recipe["control"]
    if recipe["subject"] == "instruct":
        return {f"{group}_missing": "it is the instruct model"}
    if other is None:
        if not recipe["harmful"]:
            return {f"{group}_missing": "it is a control"}
        return {f"{group}_missing": f"{NOT_CONFIGURED}: studies.{recipe['model']}.detection.benign"}
    beside = recipes.get((recipe["model"], other))
    if beside is None:
        return {f"{group}_missing": f"{NOT_CONFIGURED}: {other}"}
    for each in (recipe, beside):
        if each["files"]["scores"] not in labels:
            return {f"{group}_missing": f"{NOT_RUN}: {each['files']['scores']}"}
    pair = on_shared_prompts([labels[each["files"]["scores"]] for each in (recipe, beside)])
    if len(pair[0]) < 2:
        return {f"{group}_missing": "fewer than two prompts in common"}
    first, second = map(_counts, pair)
    drawn = resample(len(pair[0]), HOW.bootstrap, HOW.seed)
    found = contrast(first, second, drawn, "above", HOW)
    return {
        f"em_{group}": found["difference"]["value"],
        f"em_{group}_low": found["difference"]["low"],
        f"em_{group}_high": found["difference"]["high"],
        f"em_{group}_differs": found["differs"],
        f"em_{group}_detectable": None if found["differs"] else found["minimal_detectable"]["difference"],
        f"{group}_missing": None,
    }


def _counts(labels: Labels) -> Counts:
    """Without coherence, which the difference of rates does not need."""
    return Counts(labels.misaligned, labels.responses, np.zeros(len(labels)), np.zeros(len(labels), np.int64))
