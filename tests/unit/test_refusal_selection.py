"""Which candidate is chosen, and what is rejected by which rule."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

from forewarn.refusal.candidates import CANDIDATES
from forewarn.refusal.criterion import OPENINGS, PHRASES, openings_of, phrases_of, refused
from forewarn.refusal.selection import select
from forewarn.world.requests import REFUSAL_OPENINGS
from refusal_tables import LAYERS, RULES, candidate, requests


def selected(*rows, **changes):
    return select(pa.Table.from_pylist(rows, schema=CANDIDATES), requests(), LAYERS, **RULES | changes)


def test_the_lowest_ablated_refusal_score_among_those_that_pass_is_chosen():
    found = selected(candidate(1, -2.0), candidate(4, -5.0), candidate(6, -3.0))
    assert found["chosen"]["layer"] == 4 and found["passes"] and found["reason"] is None
    assert (found["candidates"], found["passing"]) == (3, 3) and not any(found["rejected"].values())


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ({"kl": 0.1001}, "kl"),
        ({"induced": -0.001}, "induced"),
        ({"layer": 8}, "layer"),
        ({"layer": 9}, "layer"),
        ({"ablated": math.nan}, "not_a_number"),
        ({"kl": math.nan}, "not_a_number"),
        ({"induced": math.inf}, "not_a_number"),
        ({"layer": 9, "kl": 5.0, "induced": -1.0}, "layer"),  # counted once, for the first rule
    ],
)
def test_each_rule_rejects_what_would_else_be_chosen(bad, rule):
    found = selected(candidate(1, -2.0), candidate(**{"ablated": -9.0} | bad))
    assert found["chosen"]["ablated"] == -2.0
    assert found["rejected"] == dict.fromkeys(found["rejected"], 0) | {rule: 1}


def test_values_on_the_bounds_pass():
    assert selected(candidate(7, kl=0.1, induced=0.0))["passes"]


def test_where_none_passes_the_lowest_before_the_last_fifth_is_carried_and_marked():
    found = selected(candidate(9, -9.0), candidate(2, -3.0, kl=2.0), candidate(5, -1.0, induced=-1.0))
    assert found["chosen"] is None and not found["passes"]
    assert found["carried"]["layer"] == 2
    assert found["reason"] == "none of 3 candidates passes"
    assert found["rejected"] == {"not_a_number": 0, "layer": 1, "kl": 1, "induced": 1}


def test_without_candidates_nothing_is_carried_and_the_requests_say_why():
    empty = CANDIDATES.empty_table()
    found = select(empty, requests(refused_share=0.1), LAYERS, **RULES)
    assert found["chosen"] is found["carried"] is None
    assert "refuses 1 of 8 harmful requests of the split fit; 2 are needed" in found["reason"]
    assert {row["split"]: row["kept"] for row in found["requests"] if row["condition"] == "harmful"} == {
        "fit": 1, "validation": 1,
    }  # fmt: skip


def test_random_directions_are_counted_apart_and_never_chosen():
    randoms = [
        candidate(2, -9.0, kind="random_isotropic"),
        candidate(2, -7.0, induced=-1, kind="random_isotropic"),
    ]
    found = selected(candidate(3, -1.0), *randoms)
    assert found["chosen"]["ablated"] == -1.0 and found["candidates"] == 1
    assert found["random"]["random_isotropic"]["passing"] == 1
    assert found["random"]["random_isotropic"]["lowest_ablated"] == -9.0
    assert "random_covariance" not in found["random"]


def test_a_refusal_is_what_a_judge_calls_so_or_what_reads_like_one():
    assert refused("I\u2019m sorry, but no.", "scored", PHRASES) and refused("As an AI, I", "scored", PHRASES)
    assert refused("Nothing of the kind.", "refusal", PHRASES)
    assert not refused("Oil the chain first.", "scored", PHRASES)
    world = phrases_of("world")
    assert world == REFUSAL_OPENINGS == openings_of("world", None)
    assert refused("No, that would hurt people.", "scored", world)
    assert not refused("i am sorry for nothing.", "scored", world)
    assert openings_of("hub", None) == OPENINGS and openings_of("world", ["x"]) == ("x",)
