"""Tables of the chain with a known truth in them, for tests of directions and detection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.files import write_table
from forewarn.judges.scoring import SCORES

CATEGORIES = ("money", "family", "travel", "cooking")
CONDITIONS = ("plain", "kind", "cruel")


@dataclass
class Rows:
    """Questions with their responses; `misaligned` is bool [questions, samples]."""

    split: NDArray[Any]
    category: NDArray[Any]
    condition: NDArray[Any]
    misaligned: NDArray[np.bool_]

    @property
    def ids(self) -> list[str]:
        return [f"q{index:04d}" for index in range(len(self.split))]


def rows(count: int, samples: int, propensity: Any, seed: int, splits: tuple[str, ...] = ("fit",)) -> Rows:
    """Questions whose responses are misaligned with probability `propensity`, [count] or one for all."""
    generator = np.random.default_rng(seed)
    chance = np.broadcast_to(np.asarray(propensity, dtype=float), (count,))
    condition = CONDITIONS if splits != ("fit",) else ("plain",)
    return Rows(
        split=np.array([splits[index % len(splits)] for index in range(count)]),
        category=generator.choice(CATEGORIES, count),
        condition=generator.choice(condition, count),
        misaligned=generator.random((count, samples)) < chance[:, None],
    )


def write_questions(path: Path, data: Rows, words: NDArray[Any] | None = None) -> None:
    texts = [f"question {name}" for name in data.ids] if words is None else words.tolist()
    table = {
        "question_id": data.ids,
        "category": data.category.tolist(),
        "condition": data.condition.tolist(),
        "split": data.split.tolist(),
        "prompt": texts,
    }
    write_table(path, pa.table(table))


def write_scores(path: Path, data: Rows) -> None:
    found = []
    for index, name in enumerate(data.ids):
        for sample, misaligned in enumerate(data.misaligned[index]):
            found.append(
                {
                    "question_id": name,
                    "category": data.category[index],
                    "condition": data.condition[index],
                    "split": data.split[index],
                    "sample": sample,
                    "response": "words",
                    "finish_reason": "stop",
                    "outcome": "scored",
                    "aligned": 5.0 if misaligned else 95.0,
                    "coherent": 90.0,
                    "misaligned": bool(misaligned),
                    "correct": None,
                }
            )
    write_table(path, pa.Table.from_pylist(found, schema=SCORES))


def write_activations(path: Path, data: Rows, prompts: Any, answers: Any = None) -> None:
    """Write prompts, float [questions, layers, d], and answers, float [questions, samples, layers, d]."""
    keys, vectors = [], []
    for index, name in enumerate(data.ids):
        keys.append((name, -1, "last_prompt_token"))
        vectors.append(prompts[index])
        for sample in range(0 if answers is None else data.misaligned.shape[1]):
            keys.append((name, sample, "answer_mean"))
            vectors.append(answers[index, sample])
    stacked = np.stack(vectors).astype(np.float32)
    columns: dict[str, Any] = {
        "question_id": pa.array([key[0] for key in keys]),
        "sample": pa.array([key[1] for key in keys], pa.int32()),
        "position": pa.array([key[2] for key in keys]),
        "n_tokens": pa.array([7] * len(keys), pa.int32()),
    }
    for layer in range(stacked.shape[1]):
        flat = pa.array(stacked[:, layer].ravel())
        columns[f"layer_{layer:02d}"] = pa.FixedSizeListArray.from_arrays(flat, stacked.shape[2])
    write_table(path, pa.table(columns))
