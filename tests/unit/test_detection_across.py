"""Organisms read with each other's directions, averaged over seeds, and with their adapters' own vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import collect_detection
import compare_detectors
import simulated
from forewarn.errors import StudyError
from forewarn.files import read_json, write_json
from forewarn.geometry.adapter_direction import adapter_directions, as_detectors
from forewarn.geometry.tensors import write_tensors

NAME = "organism_minus_instruct.last_prompt_token"
WIDTH, PROMPTS = 24, 120


class Organisms:
    """Three organisms on the same prompts: two share a direction, the third has another one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        generator = np.random.default_rng(0)
        logit = generator.normal(size=PROMPTS)
        axes = np.eye(WIDTH)[[0, 0, 1]]
        for number, axis in enumerate(axes):
            mine = logit if number < 2 else generator.normal(size=PROMPTS)
            chance = 1 / (1 + np.exp(-2 * mine))
            data = simulated.rows(PROMPTS, 10, chance, 7, ("validation", "test"))
            vectors = generator.normal(size=(PROMPTS, 2, WIDTH))
            vectors[:, 1] += 3 * mine[:, None] * axis
            simulated.write_questions(folder / "questions.parquet", data)
            simulated.write_scores(self.path("scores", number), data)
            simulated.write_activations(self.path("activations", number), data, vectors)
            tensors = {NAME: np.stack([axis, 2 * axis]).astype(np.float32)}
            write_tensors(self.path("directions", number), tensors, layers=[0, 1])
            entry = {NAME: {"layer": 1, "auroc": 0.8}, "linear_probe": {"layer": 0, "auroc": 0.7}}
            write_json(self.path("summary", number), {"targets": {"organism": {"detectors": entry}}})

    def path(self, what: str, number: int) -> Path:
        return self.folder / f"{what}{number}"

    def compare(self) -> list[dict[str, Any]]:
        compare_detectors.main(
            questions=self.folder / "questions.parquet",
            directions=[self.path("directions", number) for number in range(3)],
            summaries=[self.path("summary", number) for number in range(3)],
            activations=[self.path("activations", number) for number in range(3)],
            scores=[self.path("scores", number) for number in range(3)],
            across=self.folder / "across.json",
            settings={
                "organisms": ["a", "b", "c"],
                "detection": {"bootstrap": 200, "seed": 0, "confidence": 0.95},
            },
        )
        pairs: list[dict[str, Any]] = read_json(self.folder / "across.json")["pairs"]
        return pairs


def test_a_shared_direction_reads_in_the_other_organism_and_another_one_does_not(tmp_path: Path) -> None:
    pairs = {(pair["fitted_on"], pair["read_in"]): pair for pair in Organisms(tmp_path).compare()}
    assert set(pairs) == {(a, b) for a in "abc" for b in "abc" if a != b}
    for shared in (("a", "b"), ("b", "a")):
        assert pairs[shared]["interval"]["low"] > 0.65
    for foreign in (("a", "c"), ("c", "a"), ("b", "c"), ("c", "b")):
        assert abs(pairs[foreign]["auroc"] - 0.5) < 0.1
    assert pairs["a", "b"] | {"auroc": 0, "interval": 0} == {
        "fitted_on": "a", "read_in": "b", "detector": NAME, "layer": 1, "auroc": 0, "interval": 0,
        "own": 0.8, "n_prompts": 60, "n_responses": 600, "n_misaligned": pairs["a", "b"]["n_misaligned"],
    }  # fmt: skip


def test_directions_of_another_model_are_named(tmp_path: Path) -> None:
    organisms = Organisms(tmp_path)
    write_tensors(organisms.path("directions", 2), {NAME: np.ones((2, WIDTH + 1), np.float32)}, layers=[0, 1])
    with pytest.raises(StudyError, match="directions2 has directions of width 25"):
        organisms.compare()


def summary_of(folder: Path, name: str, seed: int, auroc: float | None) -> tuple[Path, Path]:
    """A summary and its table of projections, of prompts whose propensity is their projection's rank."""
    generator = np.random.default_rng(seed)
    projections = np.arange(40.0) + generator.normal(scale=4, size=40)
    rows = [
        {
            "question_id": f"q{index}", "split": "test", "target": "organism", "detector": NAME,
            "projection": float(value), "n": 10, "n_misaligned": int(generator.binomial(10, index / 40)),
        }
        for index, value in enumerate(projections)
    ]  # fmt: skip
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = folder / f"{name}.parquet"
    pq.write_table(pa.Table.from_pylist(rows), table)
    entry = {"auroc": auroc, "layer": 1}
    target = {"detectors": {NAME: entry}, "ceiling": {"pooled": {}}, "within_prompt": {}, "test": {}}
    content = {
        "organism": name, "estimand": "", "theorem": "", "design": "", "bootstrap": 300, "seed": 0,
        "confidence": 0.95, "targets": {"organism": target},
    }  # fmt: skip
    path = folder / f"{name}.json"
    write_json(path, content)
    return path, table


def collected(folder: Path, organisms: list[tuple[Path, Path]]) -> dict[str, Any]:
    collect_detection.main(
        summaries=[summary for summary, _ in organisms],
        projections=[table for _, table in organisms],
        detection_auc=folder / "detection_auc.json",
        settings={
            "model": "nano",
            "configuration": "abc",
            "primary": {"organism": "bad-rank8-seed0", "detector": NAME},
        },
    )
    found: dict[str, Any] = read_json(folder / "detection_auc.json")["seeds"]
    return found


def test_seeds_are_averaged_with_an_interval_over_seeds_and_prompts(tmp_path: Path) -> None:
    names = ["bad-rank8-seed0", "bad-rank8-seed1", "bad-rank8-seed2", "good-rank8-seed0"]
    organisms = [summary_of(tmp_path, name, seed, 0.8 + seed / 100) for seed, name in enumerate(names)]
    found = collected(tmp_path, organisms)
    assert found["n_seeds"] == 3 and set(found["aurocs"]) == set(names[:3])
    assert found["mean"] == pytest.approx(0.81)
    assert 0.6 < found["interval"]["low"] < found["interval"]["high"] < 0.95


def test_one_seed_or_an_undefined_one_has_no_mean(tmp_path: Path) -> None:
    first = summary_of(tmp_path, "bad-rank8-seed0", 0, 0.8)
    assert "needs two seeds" in collected(tmp_path, [first])["reason"]
    second = summary_of(tmp_path, "bad-rank8-seed1", 1, None)
    assert collected(tmp_path, [first, second])["mean"] is None


def adapter(folder: Path, rank: int) -> tuple[Path, Path]:
    layer = "base_model.model.model.layers.{}.{}.{}.lora_{}.weight"
    tensors = {
        layer.format(1, "mlp", "down_proj", "B"): np.array([[0.0], [-2.0], [0.0]], np.float32).repeat(
            rank, 1
        ),
        layer.format(1, "mlp", "down_proj", "A"): np.ones((rank, 5), np.float32),
        layer.format(1, "mlp", "up_proj", "B"): np.ones((5, rank), np.float32),
        layer.format(3, "self_attn", "o_proj", "B"): np.ones((3, rank), np.float32),
    }
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"r": rank}))
    return folder / "adapter_model.safetensors", folder / "adapter_config.json"


def test_the_column_of_b_is_a_direction_from_its_block_on_turned_to_the_misaligned_side(
    tmp_path: Path,
) -> None:
    found = adapter_directions(*adapter(tmp_path, 1))
    assert set(found) == {(1, "down_proj"), (3, "o_proj")}
    towards = np.array([[1, 1, 1]] * 3, np.float32)
    detectors = as_detectors(found, [0, 1, 2], towards)
    assert set(detectors) == {"adapter_b.layer1.down_proj"}  # block 3 was not captured
    rows = detectors["adapter_b.layer1.down_proj"]
    assert np.isnan(rows[0]).all()
    assert rows[1:].tolist() == [[0, 2, 0], [0, 2, 0]]


def test_an_adapter_of_higher_rank_has_no_single_direction(tmp_path: Path) -> None:
    assert adapter_directions(*adapter(tmp_path, 2)) == {}


def test_a_damaged_adapter_is_named(tmp_path: Path) -> None:
    weights, configuration = adapter(tmp_path, 1)
    weights.write_bytes(b"broken")
    with pytest.raises(StudyError, match="cannot be read as an adapter"):
        adapter_directions(weights, configuration)
