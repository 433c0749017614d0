"""The figure is drawn with all its parts, and where there is nothing to draw."""

from __future__ import annotations

import pyarrow as pa

from forewarn.refusal.candidates import CANDIDATES
from forewarn.refusal.selection import select
from forewarn.refusal.swap_summary import summarise_swaps
from forewarn.report.refusal import Compared, draw_refusal
from forewarn.report.style import write_figure
from refusal_tables import HOW, LAYERS, ORGANISM, RATES, RULES, candidate, requests, responses

NAME = "organism_minus_instruct.last_prompt_token"


def compared(rows, summary, passes=True):
    swaps = {"arms": summarise_swaps(responses(RATES), HOW), "refusal": {"passes": passes}}
    return Compared(ORGANISM, rows, summary, swaps)


def row(layer, reading, value):
    ends = {"low": None, "high": None} if value is None else {"low": value - 0.1, "high": value + 0.1}
    bands = {f"{kind}_{end}": None if value is None else sign * 0.2
             for kind in ("isotropic", "covariance") for end, sign in (("low", -1), ("high", 1))}  # fmt: skip
    return (
        {"construction": NAME, "reading": reading, "layer": layer, "cosine": value, "ceiling": None}
        | ends
        | bands
    )


def test_all_parts_are_drawn_and_the_bytes_depend_on_the_numbers_alone(tmp_path):
    rows = [candidate(layer, -layer, position=position) for layer in range(5) for position in (-2, -1)]
    rows += [candidate(layer, 1.0, -2.0, kind="random_isotropic") for layer in range(5)]
    found = select(pa.Table.from_pylist(rows, schema=CANDIDATES), requests(), LAYERS, **RULES)
    null = {kind: {"overlap_high": 0.2} for kind in ("isotropic", "covariance")}
    layers = [
        {"layer": n, "overlap": 0.1, "low": 0.0, "high": 0.3, "random": null,
         "dimensions": {"refusal": 2, "misalignment": 2}} for n in range(3)
    ]  # fmt: skip
    summary = {"undefined": None, "n": {"harmful": 8, "harmless": 8}, "subspaces": {"layers": layers}}
    values = [
        row(n, reading, value)
        for reading in ("by_layer", "chosen")
        for n, value in enumerate([None, 0.1, 0.2])
    ]
    for name in ("one.svg", "other.svg"):
        write_figure(tmp_path / name, draw_refusal(found, rows, [compared(values, summary)], NAME))
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()


def test_what_is_missing_is_said(tmp_path):
    found = select(CANDIDATES.empty_table(), requests(refused_share=0.0), LAYERS, **RULES)
    summary = {"undefined": found["reason"], "refusal": None}
    write_figure(tmp_path / "f.svg", draw_refusal(found, [], [compared([], summary, passes=False)], NAME))
    assert (tmp_path / "f.svg").stat().st_size > 1000
