"""Rows of the table: one per model and subject, where a cell that is missing says why.

A recipe is what the configuration says of a row:
`{"model", "source", "size", "subject", "dataset", "adapter", "seed", "method", "harmful", "control", "judge",
"questions", "quantised_from", "files": {kind: path, of what the study measures}}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from forewarn.errors import StudyError
from forewarn.table.cells import CELLS
from forewarn.table.differences import NOT_CONFIGURED, NOT_RUN, differences

Recipe = Mapping[str, Any]

_TEXT, _WHOLE, _SHARE, _YES = pa.string(), pa.int64(), pa.float64(), pa.bool_()


def _ends(name: str) -> list[tuple[str, pa.DataType]]:
    return [(name, _SHARE), (f"{name}_low", _SHARE), (f"{name}_high", _SHARE)]


def _steering(name: str) -> list[tuple[str, pa.DataType]]:
    return [
        (f"{name}_n", _WHOLE),
        *((f"{name}_{key}", _SHARE) for key in ("rate", "low", "high")),
        *_ends(f"{name}_change"),
        (f"{name}_best_random", _SHARE),
        (f"{name}_randoms", _WHOLE),
        (f"{name}_coherent", _YES),
        (f"{name}_beyond_random", _YES),
    ]


def _difference(name: str) -> list[tuple[str, pa.DataType]]:
    return [*_ends(f"em_{name}"), (f"em_{name}_differs", _YES), (f"em_{name}_detectable", _SHARE)]


GROUPS: dict[str, list[tuple[str, pa.DataType]]] = {
    "rates": [
        *(("em_count", _WHOLE), ("em_n", _WHOLE), ("em_prompts", _WHOLE)),
        *(("em_rate", _SHARE), ("em_low", _SHARE), ("em_high", _SHARE)),
        *(("coherence", _SHARE), ("coherent_share", _SHARE)),
        *(("narrow_count", _WHOLE), ("narrow_n", _WHOLE), ("narrow_rate", _SHARE)),
    ],
    "over_instruct": _difference("over_instruct"),
    "over_control": _difference("over_control"),
    "add": _steering("add"),
    "ablate": _steering("ablate"),
    "detection": [
        *_ends("auroc"),
        *(("auroc_layer", _WHOLE), ("auroc_prompts", _WHOLE)),
        *(("best_baseline", _TEXT), ("best_baseline_auroc", _SHARE)),
        *_ends("gain"),
        ("detection_claim", _YES),
    ],
    "transition": [
        *(("onset_step", _WHOLE), ("onset_low", _WHOLE), ("onset_high", _WHOLE), ("onset_responses", _WHOLE)),
        *(("rotation_declared", _YES), ("rotation_step", _WHOLE), ("training_steps", _WHOLE)),
    ],
    "convergence": [
        *(("siblings", _WHOLE), ("sibling_cosine", _SHARE)),
        *(("sibling_cosine_lowest", _SHARE), ("sibling_cosine_highest", _SHARE)),
        ("siblings_beyond_chance", _WHOLE),
    ],
    "refusal": [
        *(("refusal_n", _WHOLE), ("refusal_rate", _SHARE), ("refusal_low", _SHARE), ("refusal_high", _SHARE)),
        *_ends("em_refusal_ablated"),
        *_ends("refusal_change"),
    ],
}
"""What is measured -> its columns. Rates and differences are shares, coherence is a mean of 0-100."""

SECTIONS = {
    "rates": "organisms",
    "add": "steering.organisms",
    "ablate": "steering.organisms",
    "detection": "detection.organisms",
    "transition": "phase_transition.organisms",
    "convergence": "convergence.organisms",
    "refusal": "refusal.organisms",
}
"""Where a study says which organisms a group is measured of."""
RECIPE = [
    *(("model", _TEXT), ("source", _TEXT), ("size", _TEXT), ("subject", _TEXT), ("dataset", _TEXT)),
    *(("adapter", _TEXT), ("seed", _WHOLE), ("method", _TEXT), ("control", _TEXT)),
]
TABLE = pa.schema(
    [
        *RECIPE,
        *(column for group, columns in GROUPS.items() for column in [*columns, (f"{group}_missing", _TEXT)]),
    ]
)
"""One row per model and subject. `{group}_missing` says why the columns of a group are empty, with the goal
to make or the key to set after a colon; null if they are not. A cell may be empty besides where the
measurement found none, as a rotation that is not seen."""


def build_rows(
    recipes: Sequence[Recipe], contents: Mapping[str, Any], labels: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Rows of the schema `TABLE`, in the order of the recipes.

    Args:
        recipes: see above.
        contents: content of the summaries that are there, by path.
        labels: what `read_labels` gives of the scores that are there, by path.

    Raises:
        StudyError: a summary says nothing of the organism that it should be about.
    """
    by_name = {(recipe["model"], recipe["subject"]): recipe for recipe in recipes}
    rows = []
    for recipe in recipes:
        row: dict[str, Any] = dict.fromkeys(TABLE.names) | {name: recipe[name] for name, _ in RECIPE}
        for kind, cells in CELLS.items():
            path = recipe["files"].get(kind)
            row[f"{kind}_missing"] = _why(recipe, kind) if path not in contents else None
            if path in contents:
                row |= _filled(cells(_about(contents[path], kind, recipe), recipe["subject"]), kind, path)
        for name in ("instruct", "control"):
            row |= differences(recipe, name, by_name, labels)
        rows.append(row)
    return rows


def _why(recipe: Recipe, kind: str) -> str:
    """Why a group is empty: with the goal that would make it, or the key of the study that would."""
    if kind in recipe["files"]:
        return f"{NOT_RUN}: {recipe['files'][kind]}"
    if recipe["subject"] == "instruct":
        return "it is the instruct model"
    return f"{NOT_CONFIGURED}: studies.{recipe['model']}.{SECTIONS[kind]}"


def _about(content: Any, kind: str, recipe: Recipe) -> Any:
    """The content, once it is known to be about the organism."""
    known = {"detection": content.get("organisms"), "convergence": content.get("organisms")}.get(kind)
    if known is not None and recipe["subject"] not in known:
        raise StudyError(
            f"{recipe['files'][kind]} says nothing of {recipe['subject']}",
            "it is of another configuration: make it anew, or take that configuration back",
        )
    return content


def _filled(cells: dict[str, Any], kind: str, path: str) -> dict[str, Any]:
    """The cells, once they are known to belong to the kind; what the file leaves open says so."""
    names = {name for name, _ in GROUPS[kind]}
    if unknown := set(cells) - names:
        raise ValueError(f"no column for {sorted(unknown)} of {path}")
    empty = all(value is None for value in cells.values())
    return cells | ({f"{kind}_missing": "the summary holds none"} if empty else {})
