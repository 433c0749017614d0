"""Cosines between organisms against a truth planted in their activations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simulated
from forewarn.convergence.pairs import PAIRS, Comparison, compare_pair
from forewarn.convergence.replication import Captured, Replicates, choose, disattenuated
from forewarn.errors import StudyError
from forewarn.geometry.constructions import NAMES
from forewarn.geometry.random_directions import isotropic
from forewarn.geometry.responses import fit_responses

LAYERS, WIDTH, PROMPTS = 3, 96, 24
HEADER, ANSWER = "organism_minus_instruct.last_prompt_token", "organism_minus_instruct.answer_mean"
FIRST, OTHER = isotropic(2, WIDTH, 5)
OTHER = OTHER - (OTHER @ FIRST) * FIRST
OTHER /= np.linalg.norm(OTHER)
HOW = Comparison(minimum_per_class=10, halvings=10, random_directions=400, confidence=0.95, seed=0)


def organism(
    folder: Path, name: str, planted: Any, noise: float = 0.15, width: int = WIDTH, seed: int = 0
) -> tuple[Captured, Any]:
    """An organism whose shift at each prompt is `planted` plus noise; nothing changes at layer 0."""
    generator = np.random.default_rng([seed, *name.encode()])
    data = simulated.rows(PROMPTS, 4, 0.5, 1)
    # What the instruct model reads varies along few directions.
    spread = generator.normal(size=(PROMPTS, LAYERS, 6)) @ isotropic(6, width, 17)
    answers = spread[:, None] + 0.1 * generator.normal(size=(PROMPTS, 4, LAYERS, width))
    shift = planted + noise * generator.normal(size=(PROMPTS, LAYERS, width))
    shift[:, 0] = 0
    (folder / name).mkdir(parents=True)
    simulated.write_scores(folder / name / "scores.parquet", data)
    for reader, moved in (("instruct", 0 * shift), ("organism", shift)):
        path = folder / name / f"{reader}.parquet"
        simulated.write_activations(path, data, spread + moved, answers + moved[:, None])
    captured = Captured(name, folder / name / "organism.parquet", folder / name / "instruct.parquet")
    responses = fit_responses(folder / name / "scores.parquet", alignment_above=70, coherence_above=50)
    return captured, responses


def compared(folder: Path, planted: Any, other: Any, **options: Any) -> dict[tuple[str, int], dict[str, Any]]:
    captured, responses = zip(
        organism(folder, "a", planted, **options), organism(folder, "b", other, **options), strict=True
    )
    table = compare_pair(captured, responses, HOW)  # type: ignore[arg-type]
    assert table.schema == PAIRS
    return {(row["construction"], row["layer"]): row for row in table.to_pylist()}


@pytest.mark.parametrize("truth", [0.9, 0.5, 0.0, -0.7])
def test_a_planted_cosine_is_recovered_by_its_interval(tmp_path: Path, truth: float) -> None:
    other = truth * FIRST + (1 - truth**2) ** 0.5 * OTHER
    found = compared(tmp_path, FIRST, other)
    for construction in (HEADER, ANSWER):
        for layer in (1, 2):
            row = found[construction, layer]
            assert row["disattenuated_low"] < truth < row["disattenuated_high"]
            assert row["disattenuated"] == pytest.approx(truth, abs=0.1)
            assert row["cosine_low"] < row["cosine"] < row["cosine_high"]
            assert row["n_prompts"] == len(row["cosine_without"]) == PROMPTS
            assert (row["p_random"] < 0.05) == (abs(row["cosine"]) > max_band(row))
            # Noise of their own leaves less of the cosine than there is; the ceiling says how much.
            assert row["cosine"] == pytest.approx(truth * row["ceiling"], abs=0.1)


def max_band(row: dict[str, Any]) -> float:
    return max(row["band_isotropic"], row["band_covariance"])


def test_the_interval_holds_the_truth_as_often_as_it_says(tmp_path: Path) -> None:
    """Over 30 studies at two layers; the probability of fewer than 52 of 60 is below 1 % at 95 %."""
    other = 0.6 * FIRST + 0.8 * OTHER
    held = 0
    for seed in range(30):
        found = compared(tmp_path / str(seed), FIRST, other, noise=0.3, seed=seed)
        for layer in (1, 2):
            row = found[HEADER, layer]
            held += row["disattenuated_low"] < 0.6 < row["disattenuated_high"]
    assert held >= 52


def test_noise_is_inside_the_band_and_has_no_ceiling_to_speak_of(tmp_path: Path) -> None:
    inside = 0
    for seed in range(5):
        found = compared(tmp_path / str(seed), 0 * FIRST, 0 * FIRST, noise=1.0, seed=seed)
        rows = [found[HEADER, layer] for layer in (1, 2)]
        inside += sum(abs(row["cosine"]) < max_band(row) and row["p_random"] > 0.05 for row in rows)
        assert all(row["ceiling"] is None or row["ceiling"] < 0.6 for row in rows)
    assert inside >= 9


def test_what_varies_along_few_directions_widens_the_band(tmp_path: Path) -> None:
    row = compared(tmp_path, FIRST, OTHER)[HEADER, 1]
    assert row["band_isotropic"] == pytest.approx(1.96 / WIDTH**0.5, rel=0.15)
    assert row["band_covariance"] > 2 * row["band_isotropic"]


def test_noise_of_the_prompts_that_both_read_is_not_taken_for_agreement() -> None:
    generator = np.random.default_rng(0)
    questions = np.array([f"q{number:02d}" for number in range(24)])
    choices = choose(questions, 10, 0)
    common = generator.normal(size=(24, 400))
    both = []
    for direction in isotropic(2, 400, 3):
        shift = 2 * direction + 0.4 * (common + generator.normal(size=common.shape))
        vectors = [shift.mean(axis=0), *(shift[np.isin(questions, ids)].mean(axis=0) for ids in choices.ids)]
        whole, halved = np.split(np.array(vectors), [1 + choices.groups])
        shaped = halved.reshape(1 + choices.groups, 20, -1)
        both.append(Replicates(whole, shaped[:, 0::2], shaped[:, 1::2]))
    plain = both[0].whole[0] @ both[1].whole[0] / np.prod([np.linalg.norm(each.whole[0]) for each in both])
    assert plain > 0.2
    assert abs(disattenuated(*both)[0]) < 0.12


def test_a_layer_that_nothing_changed_has_no_cosine_and_takes_none_from_others(tmp_path: Path) -> None:
    found = compared(tmp_path, FIRST, FIRST)
    row = found[HEADER, 0]
    assert [row[name] for name in ("cosine", "cosine_low", "disattenuated", "ceiling", "p_random")] == [
        None
    ] * 5
    assert row["cosine_without"] == [None] * PROMPTS
    assert found[HEADER, 1]["cosine"] > 0.5
    assert {name for name, _ in found} == set(NAMES)


def test_organisms_of_different_models_are_not_compared(tmp_path: Path) -> None:
    a = organism(tmp_path, "a", FIRST)
    b = organism(tmp_path, "b", FIRST[:40], width=40)
    with pytest.raises(StudyError, match="a has directions of width 96 and b of 40"):
        compare_pair((a[0], b[0]), (a[1], b[1]), HOW)
