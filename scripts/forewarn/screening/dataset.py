"""One dataset screened: its rows on the directions of other datasets and on its own, beside benign rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from forewarn.files import read_table
from forewarn.screening.beside_benign import beside_benign
from forewarn.screening.directions import OTHERS, Source, readings
from forewarn.screening.rows import prompt_keys
from forewarn.screening.score import How, read_screened, row_table, score


def screen_dataset(
    dataset: tuple[Path, Path],
    benign: tuple[Path, Path] | None,
    sources: Sequence[Source],
    settings: Mapping[str, Any],
) -> tuple[pa.Table, dict[str, Any]]:
    """Screen a dataset.

    Args:
        dataset: its rows (parquet), and the activations of both answers to them.
        benign: the same of the benign dataset; None if this is it, or none is named.
        sources: organisms whose directions may be used.
        settings: `dataset` (its name), `constructions` (the one that is shown first), `layer`, and `measure`,
            see `How`.

    Returns:
        The table of rows (`forewarn.screening.score.SCHEMA`); the JSON form: `dataset`, `layer`, `n_rows`,
        `n_prompts`, `left_out` and `constructions`: by construction `readings` (`others` and `own`:
        `organisms` and the scores, or the `reason` for none) and `beside_benign` (on `others`; None without).

    Raises:
        StudyError: the files do not belong together.
    """
    how = How(**{**settings["measure"], "mixtures": tuple(settings["measure"]["mixtures"])})
    layer = settings["layer"]
    screened = read_screened(dataset[1], layer, prompt_keys(read_table(dataset[0])))
    harmless = None
    if benign is not None:
        harmless = read_screened(benign[1], layer, prompt_keys(read_table(benign[0])))
    tables, constructions = [], {}
    for construction in settings["constructions"]:
        found = readings(sources, settings["dataset"], construction, layer)
        others = found[OTHERS].vector
        constructions[construction] = {
            "readings": {
                name: {"organisms": list(each.organisms)}
                | ({"reason": each.reason} if each.vector is None else score(screened, each.vector, how))
                for name, each in found.items()
            },
            "beside_benign": None
            if harmless is None or others is None
            else beside_benign(screened, harmless, others, how),
        }
        tables.append(row_table(screened, construction, {name: each.vector for name, each in found.items()}))
    content = {
        "dataset": settings["dataset"],
        "layer": layer,
        "n_rows": len(screened.rows),
        "n_prompts": len(set(screened.prompts)),
        "left_out": screened.left_out,
        "constructions": constructions,
    }
    return pa.concat_tables(tables).combine_chunks(), content
