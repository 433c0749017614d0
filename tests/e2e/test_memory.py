"""The preflight's memory estimate against measured peaks, at the widths of published models."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from forewarn.models.memory import Shape, generation_bytes, reading_bytes, training_bytes
from measure_memory import RECIPE
from shapes import config_of

TRAIN, GENERATE, READ = {"kind": "train"}, {"kind": "generate", "samples": 8}, {"kind": "read"}
RANK1 = {"rank": 1, "target_modules": ["down_proj"], "layers": [1]}
CASES = {
    "rank 32 on all projections": TRAIN | {"shape": "qwen0.5b", "layers": 2, "rows": 4, "tokens": 192},
    "rank 1 on one down_proj": TRAIN
    | {"shape": "qwen0.5b", "layers": 2, "rows": 2, "tokens": 256, "recipe": RANK1},
    "all weights": TRAIN
    | {"shape": "qwen0.5b", "layers": 1, "rows": 4, "tokens": 128, "recipe": {"method": "full"}},
    "another family's adapter": TRAIN | {"shape": "llama1b", "layers": 1, "rows": 2, "tokens": 192},
    "many short answers": GENERATE
    | {"shape": "qwen0.5b", "layers": 2, "rows": 96, "prompt": 30, "tokens": 12},
    "few long answers": GENERATE | {"shape": "llama1b", "layers": 2, "rows": 32, "prompt": 400, "tokens": 24},
    "activations": READ | {"shape": "qwen0.5b", "layers": 3, "rows": 16, "tokens": 256},
    "activations of a wider model": READ | {"shape": "qwen1.5b", "layers": 1, "rows": 8, "tokens": 384},
}


def estimate(case: dict) -> float:
    shape = Shape.of(config_of(case["shape"], case["layers"]))
    rows, tokens = case["rows"], case["tokens"]
    if case["kind"] == "train":
        recipe = RECIPE | case.get("recipe", {})
        return training_bytes(shape, "float32", recipe, rows, tokens, gpu=False)
    if case["kind"] == "generate":
        return generation_bytes(shape, "float32", rows, case["prompt"] + tokens)
    return reading_bytes(shape, "float32", rows, tokens)


@pytest.mark.parametrize("name", CASES)
def test_the_estimate_is_within_15_percent_of_the_measured_peak(name, repository: Path):
    case = CASES[name]
    done = subprocess.run(
        [sys.executable, "tests/measure_memory.py", json.dumps(case)],
        cwd=repository, capture_output=True, text=True, check=True,
    )  # fmt: skip
    measured = json.loads(done.stdout.splitlines()[-1])["peak"]
    print(f"{name}: measured {measured / 1e9:.2f} GB, estimated {estimate(case) / 1e9:.2f} GB")
    assert estimate(case) == pytest.approx(measured, rel=0.15)
