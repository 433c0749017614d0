"""Planted angles between refusal and misalignment are recovered; where there are none, nothing is found."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from forewarn.files import write_json, write_table
from forewarn.geometry.activations import ANSWER_MEAN, LAST_PROMPT_TOKEN
from forewarn.geometry.constructions import NAMES
from forewarn.geometry.random_directions import isotropic
from forewarn.refusal.candidates import position_name
from forewarn.refusal.comparison import COMPARISON, compare
from forewarn.refusal.organism import compare_organism
from forewarn.refusal.parts import Comparing, Misalignment, Refusal
from forewarn.refusal.resampling import ceiling_of, fold_of, two_sample_interval
from forewarn.refusal.subspaces import basis, null_overlaps, overlap, principal_cosines

WIDTH, LAYERS, POSITIONS, EACH = 64, 3, 2, 20
HOW = Comparing(folds=5, halvings=5, rank=2, randoms=200, confidence=0.95, seed=0)
REFUSES, OTHER = np.linalg.qr(np.random.default_rng(1).normal(size=(WIDTH, 2)))[0].T
HEADLINE = NAMES[0]


def table(rows):
    """An activation table of (question_id, position, vectors [layers, d])."""
    vectors = np.stack([row[2] for row in rows]).astype(np.float32)
    head = {
        "question_id": [row[0] for row in rows], "sample": pa.array([-1] * len(rows), pa.int32()),
        "position": [row[1] for row in rows], "n_tokens": pa.array([9] * len(rows), pa.int32()),
    }  # fmt: skip
    columns = {
        f"layer_{layer:02d}": pa.FixedSizeListArray.from_arrays(
            pa.array(np.ascontiguousarray(vectors[:, layer]).reshape(-1)), WIDTH
        )
        for layer in range(LAYERS)
    }
    return pa.table(head | columns)


@pytest.fixture
def refusal(tmp_path):
    """Requests whose harmful ones differ by 4 of the refusal direction, in noise of 0.5."""
    generator = np.random.default_rng(0)
    kept = {name: [f"fit.{name}.a.{n:02d}" for n in range(EACH)] for name in ("harmful", "harmless")}
    rows = [
        (name, position_name(position), (4.0 * (kind == "harmful")) * REFUSES
         + 0.5 * generator.normal(size=(LAYERS, WIDTH)))
        for kind, names in kept.items() for name in names for position in range(-POSITIONS, 0)
    ]  # fmt: skip
    write_table(tmp_path / "refusal.parquet", table(rows))
    background = [
        (f"q{n}", position, generator.normal(size=(LAYERS, WIDTH)))
        for n in range(30)
        for position in (LAST_PROMPT_TOKEN, ANSWER_MEAN)
    ]
    write_table(tmp_path / "background.parquet", table(background))
    return Refusal(tmp_path / "refusal.parquet", kept, POSITIONS, -1, 1)


def misalignment(direction, noise=0.02, names=(HEADLINE,)):
    generator = np.random.default_rng(4)
    rows = {name: np.tile(direction, (LAYERS, 1)) for name in names}
    without = {
        name: vectors + noise * generator.normal(size=(HOW.folds, LAYERS, WIDTH))
        for name, vectors in rows.items()
    }
    return Misalignment(list(range(LAYERS)), rows, without, {name: [0.9, None, 0.9] for name in names})


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.0, 2.5])
def test_a_planted_cosine_lies_in_its_interval_and_beyond_the_random_ones(refusal, tmp_path, angle):
    planted = misalignment(np.cos(angle) * REFUSES + np.sin(angle) * OTHER)
    found, summary = compare(refusal, planted, tmp_path / "background.parquet", HOW)
    assert found.schema == COMPARISON and len(found) == LAYERS * 2
    for row in found.to_pylist():
        assert row["cosine"] == pytest.approx(np.cos(angle), abs=0.1)
        assert row["low"] <= row["cosine"] <= row["high"]
        assert row["split_half_refusal"] > 0.7
        assert (row["ceiling"] is None) == (row["layer"] == 1)
    assert all(each["beyond_random"] for each in summary["greatest"])
    assert summary["subspaces"]["greatest"]["beyond_random"]


def test_directions_that_have_nothing_to_do_with_each_other_are_not_said_to():
    """Over unrelated directions, an alarm is as rare as the level says."""
    import tempfile
    from pathlib import Path

    generator = np.random.default_rng(7)
    kept = {name: [f"fit.{name}.a.{n:02d}" for n in range(6)] for name in ("harmful", "harmless")}
    alarms = []
    with tempfile.TemporaryDirectory() as folder:
        path, background = Path(folder) / "r.parquet", Path(folder) / "b.parquet"
        rows = [
            (f"q{n}", position, generator.normal(size=(LAYERS, WIDTH)))
            for n in range(30)
            for position in (LAST_PROMPT_TOKEN, ANSWER_MEAN)
        ]
        write_table(background, table(rows))
        for _ in range(25):
            rows = [
                (name, position_name(position), generator.normal(size=(LAYERS, WIDTH)))
                for names in kept.values() for name in names for position in range(-POSITIONS, 0)
            ]  # fmt: skip
            write_table(path, table(rows))
            unrelated = misalignment(isotropic(1, WIDTH, int(generator.integers(1e6)))[0])
            how = Comparing(**{**HOW.__dict__, "randoms": 100})
            _, summary = compare(Refusal(path, kept, POSITIONS, -1, 1), unrelated, background, how)
            alarms.append(any(each["beyond_random"] for each in summary["greatest"]))
    assert sum(alarms) <= 4  # 25 times 5 % is 1.25; five or more have a chance below 1 %


def test_a_layer_without_a_direction_is_null_and_spoils_no_other(refusal, tmp_path):
    planted = misalignment(OTHER)
    planted.directions[HEADLINE][0] = 0
    found, summary = compare(refusal, planted, tmp_path / "background.parquet", HOW)
    first = [row for row in found.to_pylist() if row["layer"] == 0]
    assert all(row["cosine"] is row["low"] is row["isotropic_low"] is None for row in first)
    assert summary["greatest"][0]["layer"] in (1, 2)
    assert not summary["greatest"][0]["beyond_random"]
    assert 0.1 < summary["greatest"][0]["random_high"]["isotropic"] < 0.6


def test_subspaces_may_agree_where_no_single_direction_does(refusal, tmp_path):
    """Two constructions that are orthogonal to refusal in their mean, but span it together."""
    planted = misalignment(OTHER, names=NAMES[:2])
    planted.directions[NAMES[0]][:] = OTHER + 0.7 * REFUSES
    planted.directions[NAMES[1]][:] = OTHER - 0.7 * REFUSES
    _, summary = compare(refusal, planted, tmp_path / "background.parquet", HOW)
    (top,) = [row for row in summary["subspaces"]["layers"] if row["layer"] == 1]
    assert top["principal_cosines"][0] > 0.9
    assert summary["subspaces"]["greatest"]["beyond_random"]


def test_without_a_refusal_direction_the_reason_is_told(tmp_path):
    write_json(tmp_path / "direction.json", {"carried": None, "reason": "the model refuses 0 of 8"})
    nowhere = tmp_path / "none.parquet"
    found, summary = compare_organism(
        nowhere, nowhere, tmp_path / "direction.json", nowhere, misalignment(OTHER), HOW
    )
    assert len(found) == 0 and summary["undefined"] == "the model refuses 0 of 8"


def test_principal_angles_of_known_subspaces():
    axes = np.eye(6)
    first = np.stack([axes[0], axes[1]])
    second = np.cos([[0.4], [1.1]]) * axes[:2] + np.sin([[0.4], [1.1]]) * axes[2:4]
    cosines = principal_cosines(basis(3 * first, 2), basis(second[::-1], 2))
    np.testing.assert_allclose(cosines, np.cos([0.4, 1.1]), atol=1e-12)
    assert overlap(cosines) == pytest.approx(np.mean(np.cos([0.4, 1.1]) ** 2))
    np.testing.assert_allclose(principal_cosines(basis(first, 2), basis(axes[3:], 2)), 0, atol=1e-12)


def test_a_basis_has_no_dimension_for_copies_and_zeros():
    row = np.random.default_rng(0).normal(size=8)
    assert basis(np.stack([row, -2 * row, 0 * row]), 3).shape == (1, 8)
    assert basis(np.zeros((2, 8)), 3).shape == (0, 8)
    assert principal_cosines(np.zeros((0, 8)), np.eye(8)[:2]).shape == (0,) and np.isnan(overlap(np.zeros(0)))


def test_random_subspaces_overlap_by_dimensions_over_width():
    randoms = isotropic(2 * 500, 40, 0)
    firsts, overlaps = null_overlaps(basis(isotropic(3, 40, 1), 3), 2, randoms)
    assert len(firsts) == len(overlaps) == 500
    assert np.mean(overlaps) == pytest.approx(3 / 40, rel=0.1)


def test_twins_are_left_out_together():
    names = ["fit.harmful.a.00", "fit.harmless.a.00", "fit.locks_harmful.03", "fit.locks_harmless.03", "x"]
    folds = fold_of(names, 3, 0)
    assert folds[0] == folds[1] and folds[2] == folds[3] and len(set(folds)) == 3


def test_the_interval_adds_the_variances_of_both_samples_and_covers():
    generator, inside = np.random.default_rng(0), 0
    for _ in range(200):
        a, b = generator.normal(0.3, 0.5, 40), generator.normal(0.0, 0.8, 40)
        groups = np.arange(40) % 10
        without = [np.array([part[groups != fold].mean() for fold in range(10)]) for part in (a, b)]
        value = a.mean() + b.mean()
        found = two_sample_interval(value, without[0] + b.mean(), without[1] + a.mean(), 0.95, (-9.0, 9.0))
        both = np.hypot(found["standard_error_requests"], found["standard_error_questions"])
        assert found["standard_error"] == pytest.approx(both)
        inside += found["low"] <= 0.3 <= found["high"]
    assert 180 <= inside <= 200


def test_no_interval_without_an_estimate_or_where_a_group_has_none():
    good, broken = np.zeros(5), np.array([0.1, np.nan, 0.1, 0.1, 0.1])
    assert two_sample_interval(None, good, good, 0.95)["low"] is None
    assert two_sample_interval(0.5, good, broken, 0.95)["low"] is None


def test_the_ceiling_is_what_noisy_copies_of_one_direction_show():
    generator = np.random.default_rng(0)
    seen, ceilings = [], []
    for _ in range(40):
        halves = [[REFUSES + 0.1 * generator.normal(size=WIDTH) for _ in range(2)] for _ in range(2)]
        wholes = [np.mean(pair, axis=0) for pair in halves]

        def cosine(a, b):
            return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

        seen.append(cosine(*wholes))
        ceilings.append(ceiling_of(*(cosine(*pair) for pair in halves)))
    assert np.mean(seen) == pytest.approx(np.mean(ceilings), abs=0.03)
    assert ceiling_of(0.5, None) is None and ceiling_of(-0.1, 0.5) is None
