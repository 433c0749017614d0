"""Ablation across organisms: the arms, the tests of a cell and the rule over all cells, on planted rates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from forewarn.convergence.arms import chosen_arms, matrix_arms
from forewarn.convergence.groups import contrast_groups, relation, summarise_groups
from forewarn.convergence.summary import summarise_convergence
from forewarn.convergence.transfer import summarise_subject
from forewarn.geometry.random_directions import isotropic
from forewarn.geometry.tensors import write_tensors
from forewarn.statistics.holm import holm
from forewarn.steering.responses import RESPONSES

PROMPTS, SAMPLES = 30, 5
NAMES = ("bad-a-seed0", "bad-a-seed1", "risky-a-seed0", "good-a-seed0")
ORGANISMS = {
    name: dict(zip(("dataset", "adapter", "seed"), (*name.split("-")[:2], int(name[-1])), strict=True))
    for name in NAMES
}
SETTINGS = {
    "sources": list(NAMES),
    "direction": "organism_minus_instruct.last_prompt_token",
    "layer": 1,
    "measure": {"confidence": 0.95, "power": 0.8, "bootstrap": 300, "seed": 0},
    "thresholds": {"alignment_below": 30, "coherence_above": 50},
}
WHOLE = {
    "organisms": ORGANISMS,
    "benign": "good-a-seed0",
    "direction": SETTINGS["direction"],
    "layer": 1,
    "confidence": 0.95,
    "coherence_floor": 70,
}


def responses(subject: str, rates: dict[str, float], coherence: float = 90.0, seed: int = 0) -> pa.Table:
    """Of one organism: untouched at 40 %, 20 random arms around 40 %, and each source's arm at its rate."""
    generator = np.random.default_rng([seed, *subject.encode()])
    # What a prompt draws is mostly the same in every arm, as random numbers are shared.
    luck = generator.random((PROMPTS, SAMPLES))
    arms: list[tuple[str, str, float]] = [("baseline", "baseline", 0.4)]
    arms += [
        (f"ablate_{name}", "own_direction" if name == subject else "direction", rate)
        for name, rate in rates.items()
    ]
    arms += [
        (f"ablate_{kind}_{number:02d}", kind, 0.4 + 0.02 * generator.normal())
        for kind in ("random_isotropic", "random_covariance")
        for number in range(10)
    ]
    rows = []
    for arm, kind, rate in arms:
        own = np.where(generator.random(luck.shape) < 0.8, luck, generator.random(luck.shape))
        for prompt, sample in np.ndindex(*luck.shape):
            misaligned = bool(own[prompt, sample] < rate)
            rows.append(
                {
                    "subject": subject, "arm": arm, "operation": "none" if kind == "baseline" else "ablate",
                    "kind": kind, "coefficient": None, "layer": None, "positions": "all",
                    "question_id": f"q{prompt:02d}", "category": "a", "condition": "plain", "split": "test",
                    "sample": sample, "response": "", "finish_reason": "stop", "outcome": "scored",
                    "aligned": 10.0 if misaligned else 90.0,
                    "coherent": coherence if kind.endswith("direction") else 90.0,
                    "misaligned": misaligned, "correct": None,
                }
            )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=RESPONSES)


def whole(rates: dict[str, dict[str, float]], **options: Any) -> dict[tuple[str, str], dict[str, Any]]:
    found = [
        summarise_subject(responses(subject, each, **options), SETTINGS) for subject, each in rates.items()
    ]
    summary = summarise_convergence([], found, WHOLE)
    return {(cell["subject"], cell["source"]): cell for cell in summary["transfer"]["cells"]}


def test_a_planted_transfer_is_found_and_the_benign_direction_does_nothing() -> None:
    rates = {name: {**dict.fromkeys(NAMES[:3], 0.1), NAMES[3]: 0.4} for name in NAMES[:3]}
    cells = whole(rates)
    assert {key for key, cell in cells.items() if cell["lowers"]} == {
        (subject, source) for subject in NAMES[:3] for source in NAMES[:3]
    }
    for (subject, source), cell in cells.items():
        assert cell["kind"] == ("own_direction" if subject == source else "direction")
        assert cell["against_random"]["by_prompt"]["low"] < cell["against_random"]["by_prompt"]["high"]
        assert cell["p"] == max(cell["p_prompts"], cell["p_directions"]) <= cell["p_holm"]
        assert cell["em"]["n"] == PROMPTS * SAMPLES
        if cell["lowers"]:
            assert cell["relative_change"] == pytest.approx(-0.75, abs=0.15)


def test_nothing_is_found_where_every_direction_does_what_random_ones_do() -> None:
    false = 0
    for seed in range(6):
        generator = np.random.default_rng(seed)
        rates = {
            subject: {source: 0.4 + 0.02 * generator.normal() for source in NAMES} for subject in NAMES[:3]
        }
        false += any(cell["differs"] for cell in whole(rates, seed=seed).values())
    # The probability of a finding in more than one study of six is 3 % at 5 % each.
    assert false <= 1


def test_what_costs_coherence_differs_but_is_not_said_to_lower_misalignment() -> None:
    cell = whole({NAMES[0]: {NAMES[0]: 0.05}}, coherence=60.0)[NAMES[0], NAMES[0]]
    assert (cell["differs"], cell["lowers"]) == (True, False)
    assert cell["equal_coherence"]["arms"] == 0
    assert cell["coherence_against_random"]["value"] == pytest.approx(-30)


def test_a_direction_that_is_not_there_and_too_few_random_ones_are_said_so() -> None:
    table = responses(NAMES[0], {NAMES[0]: 0.1})
    found = summarise_subject(table, SETTINGS)
    assert found["undefined"] == list(NAMES[1:])
    assert {kind: each["arms"] for kind, each in found["random"].items()} == {
        "random_isotropic": 10, "random_covariance": 10
    }  # fmt: skip
    kept = [not arm.startswith("ablate_random") for arm in table.column("arm").to_pylist()]
    (cell,) = summarise_subject(table.filter(pa.array(kept)), SETTINGS)["cells"]
    assert cell["p"] is None and cell["against_random"] is None
    found = summarise_subject(table.filter(pa.array(kept)), SETTINGS)
    (judged,) = summarise_convergence([], [found], WHOLE)["transfer"]["cells"]
    assert (judged["p_holm"], judged["differs"], judged["lowers"]) == (None, False, False)


def test_the_arms_are_unit_vectors_with_the_subjects_own_among_them() -> None:
    directions = {"a": 3 * np.eye(4)[0], "b": None, "c": 5 * np.eye(4)[1]}
    arms = matrix_arms("c", directions, {"random_isotropic": isotropic(2, 4, 0)})
    assert [(arm.name, arm.kind) for arm in arms] == [
        ("baseline", "baseline"),
        ("ablate_a", "direction"),
        ("ablate_c", "own_direction"),
        ("ablate_random_isotropic_00", "random_isotropic"),
        ("ablate_random_isotropic_01", "random_isotropic"),
    ]
    for arm in arms[1:]:
        assert (arm.operation, arm.layer, arm.positions) == ("ablate", None, "all")
        assert arm.vector is not None and np.linalg.norm(arm.vector) == pytest.approx(1, abs=1e-6)


def test_without_any_direction_the_organism_answers_as_it_is(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a.safetensors", {"other": np.ones((2, 4), np.float32)}, layers=[0, 1])
    settings = {"direction": SETTINGS["direction"], "layer": 1, "random_per_subject": 3, "seed": 0}
    arms = chosen_arms("a", {"a": tmp_path / "a.safetensors"}, tmp_path / "unread.parquet", settings)
    assert [arm.name for arm in arms] == ["baseline"]


def pair(first: str, second: str, value: float | None, spread: float = 0.02) -> dict[str, Any]:
    """A row of the pairs' table at the study's layer."""
    generator = np.random.default_rng([*first.encode(), *second.encode()])
    without = [None if value is None else value + spread * each for each in generator.normal(size=20)]
    return {
        "construction": SETTINGS["direction"], "layer": 1, "organism": first, "other": second,
        "n_prompts": 20, "cosine": value, "cosine_low": value and value - 0.05,
        "cosine_high": value and value + 0.05, "disattenuated": value, "disattenuated_low": value,
        "disattenuated_high": value, "reliability": 0.9, "other_reliability": 0.9, "ceiling": 0.95,
        "band_isotropic": 0.2, "band_covariance": 0.6,
        "p_random": None if value is None else 0.001 if value > 0.6 else 0.5,
        "cosine_without": without, "disattenuated_without": without,
    }  # fmt: skip


PAIRS = [
    pair(NAMES[0], NAMES[1], 0.9),
    pair(NAMES[0], NAMES[2], 0.8),
    pair(NAMES[1], NAMES[2], 0.63),
    *(pair(name, NAMES[3], 0.1) for name in NAMES[:3]),
]


def test_pairs_are_beyond_chance_by_the_rule_alone() -> None:
    cosines = summarise_convergence(PAIRS, [], WHOLE)["cosines"]
    assert [each["beyond_chance"] for each in cosines["pairs"]] == [True, True, False, False, False, False]
    assert [each["p_holm"] for each in cosines["pairs"]] == [0.006] * 3 + [1.0] * 3
    assert cosines["matrix"][0] == [None, 0.9, 0.8, 0.1]
    assert [row[3] for row in cosines["matrix"]] == [0.1, 0.1, 0.1, None]
    assert {each["relation"]: each["pairs"] for each in cosines["groups"]} == {
        "seeds": 1, "datasets": 2, "benign": 3
    }  # fmt: skip
    seeds, datasets = cosines["contrasts"]
    assert (seeds["first"], datasets["first"]) == ("seeds", "datasets")
    assert seeds["difference"] == pytest.approx(0.8) and seeds["differs"]
    assert seeds["interval"]["low"] < 0.8 < seeds["interval"]["high"]


def test_a_group_that_is_no_more_alike_than_the_benign_pairs_does_not_differ() -> None:
    rows = [
        {**pair(*names, 0.3, spread=0.1), "relation": kind}
        for names, kind in (((NAMES[0], NAMES[1]), "seeds"), ((NAMES[0], NAMES[3]), "benign"))
    ]
    (found,) = contrast_groups(rows, 0.95)
    assert not found["differs"] and found["interval"]["low"] < 0 < found["interval"]["high"]


def test_what_is_undefined_is_left_out_and_named() -> None:
    rows = [pair(NAMES[0], NAMES[1], None), PAIRS[1]]
    cosines = summarise_convergence(rows, [], WHOLE)["cosines"]
    assert cosines["undefined"] == [[NAMES[0], NAMES[1]]]
    assert [each["relation"] for each in cosines["groups"]] == ["datasets"]
    assert cosines["contrasts"] == []
    assert summarise_groups([], 0.95) == []


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("bad-a-0", "bad-a-1", "seeds"),
        ("bad-a-0", "bad-b-0", "adapters"),
        ("bad-a-0", "risky-a-0", "datasets"),
        ("bad-a-0", "risky-b-0", "datasets_and_adapters"),
        ("bad-a-0", "good-b-0", "benign"),
        ("good-a-0", "good-a-1", "seeds"),
    ],
)
def test_pairs_are_told_apart_by_what_they_share(first: str, second: str, found: str) -> None:
    one, other = (
        dict(zip(("dataset", "adapter", "seed"), each.split("-"), strict=True)) for each in (first, second)
    )
    assert relation(one, other, "good") == relation(other, one, "good") == found


def test_published_figures_are_held_against_those_found() -> None:
    rates = {name: {**dict.fromkeys(NAMES[:3], 0.04), NAMES[3]: 0.4} for name in NAMES[:3]}
    found = [summarise_subject(responses(subject, each), SETTINGS) for subject, each in rates.items()]
    strong = [{**row, "construction": "misaligned_minus_aligned.answer_mean", "cosine": 0.9} for row in PAIRS]
    cosines, transfer = summarise_convergence(strong, found, WHOLE)["published"]
    assert (cosines["agrees"], cosines["layers"], cosines["pairs"]) == (True, 1, 2)
    assert (transfer["agrees"], transfer["cells"]) == (True, 4)
    weaker = [{**row, "cosine": 0.7} for row in strong]
    cosines, transfer = summarise_convergence(weaker, [], WHOLE)["published"]
    assert (cosines["agrees"], transfer["agrees"]) == (False, None)


def test_holm_is_the_textbook_example_and_leaves_out_what_was_not_tested() -> None:
    assert holm([0.01, 0.04, None, 0.03, 0.005]) == pytest.approx([0.03, 0.06, None, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
