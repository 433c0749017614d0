"""Claims follow from numbers, and only from them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simulated
from forewarn.detection.claims import Rules, claims
from forewarn.detection.detector import Settings
from forewarn.detection.prompts import read_prompts
from forewarn.detection.readers import Linear, Reader
from forewarn.detection.target import Target, evaluate_target

RULES = Rules(
    margin=0.0, false_positive_rate=0.05, benign_alarms=0.1, minimum_prompts=100, minimum_samples=20
)
TEST = {"n_prompts": 120, "n_responses": 2400}
FOUND: dict[str, Any] = {
    "auroc": 0.7,
    "null": {"isotropic": {"beyond": True}, "covariance_matched": {"beyond": True}},
    "content": {"highest": 0.6},
    "within_category": {"interval": {"low": 0.6}},
    "family_wise": {"p_value": 0.01},
    "baselines": {"text": {"gain": {"interval": {"low": 0.01}}}},
    "best_baseline": "text",
    "alarms": {"benign": {"high": 0.09}},
}


def test_everything_together_is_early_detection() -> None:
    found = claims(FOUND, TEST, RULES, 0.95)
    assert {name: each["holds"] for name, each in found.items()} == dict.fromkeys(found, True)
    assert list(found)[-1] == "early_detection"


@pytest.mark.parametrize(
    ("claim", "place", "value", "holds"),
    [
        ("beyond_random_directions", ("null", "isotropic", "beyond"), False, False),
        ("beyond_random_directions", ("null", "isotropic", "beyond"), None, None),
        ("beyond_content", ("content", "highest"), 0.7, False),
        ("beyond_content", ("content", "highest"), None, None),
        ("beyond_categories", ("within_category", "interval", "low"), 0.5, False),
        ("beyond_categories", ("family_wise", "p_value"), 0.05, False),
        ("beyond_categories", ("family_wise", "p_value"), None, None),
        ("beyond_baselines", ("baselines", "text", "gain", "interval", "low"), 0.0, False),
        ("beyond_baselines", ("best_baseline",), None, None),
        ("quiet_on_benign", ("alarms", "benign", "high"), 0.11, False),
    ],
)
def test_one_number_decides_its_claim_and_the_whole(claim: str, place: Any, value: Any, holds: Any) -> None:
    entry = copy.deepcopy(FOUND)
    inner = entry
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    found = claims(entry, TEST, RULES, 0.95)
    assert found[claim]["holds"] is holds
    assert found["early_detection"]["holds"] is holds
    assert [name for name, each in found.items() if each["holds"] is not True] == [claim, "early_detection"]


def test_too_little_data_is_no_detection() -> None:
    for test in ({"n_prompts": 99, "n_responses": 9900}, {"n_prompts": 120, "n_responses": 2399}):
        found = claims(FOUND, test, RULES, 0.95)
        assert found["enough_data"]["holds"] is False
        assert found["early_detection"]["holds"] is False


def test_without_a_benign_organism_its_claim_is_open_and_no_hindrance() -> None:
    found = claims(FOUND | {"alarms": {}}, TEST, RULES, 0.95)
    assert found["quiet_on_benign"]["holds"] is None
    assert found["early_detection"]["holds"] is True


SETTINGS = Settings(
    probe_strengths=[0.01], bootstrap=200, random_directions=40, permutations=99, seed=0, confidence=0.95,
    alignment_sweep=[30], coherence_sweep=[50], coherence_above=50, false_positive_rates=[0.05],
    rules=Rules(0.0, 0.05, 0.1, 50, 10),
)  # fmt: skip


def study(folder: Path, logit: Any, planted: Any, seed: int) -> dict[str, Any]:
    """Detectors of an organism with these propensities, whose activations hold `planted` on one axis."""
    generator = np.random.default_rng(seed)
    data = simulated.rows(len(logit), 10, 1 / (1 + np.exp(-logit)), seed, ("fit", "validation", "test"))
    data.category = np.array(simulated.CATEGORIES)[np.arange(len(logit)) % 4]
    vectors, others = generator.normal(size=(2, len(logit), 1, 32))
    vectors[:, 0, 0] += planted
    simulated.write_questions(folder / "questions.parquet", data)
    simulated.write_scores(folder / "scores.parquet", data)
    simulated.write_activations(folder / "organism.parquet", data, vectors)
    simulated.write_activations(folder / "instruct.parquet", data, others)
    prompts = read_prompts(folder / "questions.parquet", folder / "scores.parquet")
    readers = [Reader(name, folder / f"{name}.parquet", prompts.keys()) for name in ("organism", "instruct")]
    direction = Linear("planted", np.eye(32)[:1])
    found = evaluate_target(Target(prompts, readers), [direction], [0], SETTINGS)
    return found.summary["detectors"]


def test_an_effect_of_categories_alone_never_passes(tmp_path: Path) -> None:
    passed, pooled = [], []
    for seed in range(12):
        strength = np.array([-1.5, -0.5, 0.5, 1.5])[np.arange(180) % 4]
        for entry in study(tmp_path, strength, 3 * strength, seed).values():
            pooled.append(entry["auroc"])
            passed.append(entry["claims"]["early_detection"]["holds"])
            assert entry["claims"]["beyond_baselines"]["holds"] is False
    assert min(pooled) > 0.65  # pooled over categories, it looks like detection
    assert not any(passed)


def test_a_propensity_inside_categories_passes(tmp_path: Path) -> None:
    for seed in range(6):
        logit = np.random.default_rng(100 + seed).normal(size=180)
        found = study(tmp_path, 2 * logit, 2 * logit, seed)
        assert found["planted"]["claims"]["early_detection"]["holds"] is True
        # The probe finds more than categories, too; with so few prompts to fit on, not more than chance.
        assert found["linear_probe"]["claims"]["beyond_categories"]["holds"] is True
