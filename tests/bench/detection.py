"""How detection grows: time and memory from parquet on, for more and more prompts of a real model's size.

    python tests/bench/detection.py --prompts 125 250 500 1000

The study is drawn at random with a propensity on one axis. It is no benchmark of the result.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

NAME = "organism_minus_instruct.last_prompt_token"


def draw(folder: Path, prompts: int, samples: int, layers: int, width: int) -> None:
    """Write the artifacts of a study."""
    import simulated
    from forewarn.geometry.tensors import write_tensors

    generator = np.random.default_rng(0)
    logit = generator.normal(size=prompts)
    splits = ("fit", "validation", "test", "test")
    data = simulated.rows(prompts, samples, 1 / (1 + np.exp(-logit)), 0, splits)
    words = np.array(
        [" ".join(generator.choice(list("abcdefghij"), 12)) for _ in range(prompts)], dtype=object
    )
    simulated.write_questions(folder / "questions.parquet", data, words)
    simulated.write_scores(folder / "scores.parquet", data)
    ids = [f"q{index:04d}" for index in range(prompts)]
    for reader in ("organism", "instruct", "benign"):
        columns = {
            "question_id": pa.array(ids),
            "sample": pa.array([-1] * prompts, pa.int32()),
            "position": pa.array(["last_prompt_token"] * prompts),
            "n_tokens": pa.array([20] * prompts, pa.int32()),
        }
        for layer in range(layers):
            vectors = generator.standard_normal((prompts, width), dtype=np.float32)
            vectors[:, 0] += logit.astype(np.float32)
            columns[f"layer_{layer:02d}"] = pa.FixedSizeListArray.from_arrays(
                pa.array(vectors.ravel()), width
            )
        pq.write_table(pa.table(columns), folder / f"{reader}.parquet")
    axis = np.zeros((layers, width), np.float32)
    axis[:, 0] = 1
    write_tensors(folder / "directions.safetensors", {NAME: axis}, layers=list(range(layers)))


def measure(folder: Path, answer: multiprocessing.Queue[tuple[float, float]]) -> None:
    """Run detection with the default settings, and answer seconds and the peak of memory in GB."""
    import detect
    from forewarn.config.model.study import Detection

    settings = Detection.model_validate(
        {"organisms": [{"dataset": "d", "adapter": "a", "seed": 0}], "directions": [NAME]}
    ).model_dump(mode="json", exclude={"organisms", "benign", "embedding"})
    started = time.monotonic()
    detect.main(
        questions=folder / "questions.parquet",
        organism_scores=folder / "scores.parquet",
        instruct_scores=folder / "scores.parquet",
        organism_activations=folder / "organism.parquet",
        instruct_activations=folder / "instruct.parquet",
        benign_activations=folder / "benign.parquet",
        directions=folder / "directions.safetensors",
        projections=folder / "projections.parquet",
        roc=folder / "roc.parquet",
        summary=folder / "summary.json",
        settings={"organism": "bench", "detection": settings | {"coherence_above": 50}},
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    answer.put((time.monotonic() - started, peak))


def main() -> None:
    """Print one line per number of prompts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--prompts", type=int, nargs="+", default=[125, 250, 500, 1000])
    parser.add_argument("--samples", type=int, default=50)
    parser.add_argument("--layers", type=int, default=28)
    parser.add_argument("--width", type=int, default=1536)
    chosen = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # as the job, which has one thread
    context = multiprocessing.get_context("spawn")
    first = None
    print(f"{chosen.samples} samples, {chosen.layers} layers, width {chosen.width}")
    for prompts in chosen.prompts:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            draw(folder, prompts, chosen.samples, chosen.layers, chosen.width)
            answer = context.Queue()
            process = context.Process(target=measure, args=(folder, answer))
            process.start()
            seconds, peak = answer.get()
            process.join()
        first = first or seconds
        print(
            f"{prompts:6d} prompts: {seconds:7.1f} s ({seconds / first:.2f} x), peak {peak:.2f} GB",
            flush=True,
        )


if __name__ == "__main__":
    main()
