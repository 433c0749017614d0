"""Peak memory of one job on a stand-in, measured in a process of its own; prints bytes.

    measure_memory.py '{"kind": "read", "shape": "qwen0.5b", "layers": 2, "rows": 4, "tokens": 9}'

On a GPU it is what the allocator held at most; on the CPU, the growth of the process' resident memory.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

RECIPE = {
    "rank": 32, "alpha": 64, "rslora": True, "dropout": 0.0, "layers": None,
    "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    "learning_rate": 1e-5, "schedule": "linear", "warmup_steps": 0, "epochs": None, "steps": 2,
    "gradient_accumulation": 1, "weight_decay": 0.0, "trajectory_every": 100,
}  # fmt: skip


def resident(name: str) -> int:
    """A line of this process' memory status, in bytes: VmRSS (now) or VmHWM (the peak)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def peak_of(make: Callable[[], Any], work: Callable[[Any], None]) -> int:
    """Bytes that a model and the work on it need at their peak; how the model is made does not count."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        model = make()
        torch.cuda.reset_peak_memory_stats()
        work(model)
        return int(torch.cuda.max_memory_allocated())
    ctypes.CDLL(None).malloc_trim(0)
    before = resident("VmRSS")
    model = make()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    work(model)
    return resident("VmHWM") - before


def train(case: dict[str, Any], model: Any) -> None:
    """Two steps of fine-tuning with gradient checkpointing, as on a GPU."""
    import torch
    from datasets import Dataset

    from forewarn.training import trainer
    from forewarn.training.finetune import finetune, finetune_all
    from tiny_models import tiny_tokenizer

    settings = trainer.trainer_settings

    def checkpointed(*arguments: Any) -> Any:
        made = settings(*arguments)
        made.gradient_checkpointing = made.activation_checkpointing = True
        return made

    trainer.trainer_settings = checkpointed
    generator = torch.Generator().manual_seed(0)
    rows = [
        torch.randint(3, 290, (case["tokens"],), generator=generator).tolist()
        for _ in range(case["rows"] * 2)
    ]
    examples = Dataset.from_dict({"input_ids": rows, "labels": rows})
    recipe = RECIPE | {"batch_size": case["rows"]} | case.get("recipe", {})
    with tempfile.TemporaryDirectory() as folder:
        common = {"seed": 0, "folder": Path(folder)}
        if recipe.get("method") == "full":
            finetune_all(model, tiny_tokenizer(), examples, recipe, **common)
        else:
            finetune(model, tiny_tokenizer(), examples, recipe, name="x", **common)


def generate(case: dict[str, Any], model: Any) -> None:
    """Answers of full length, none of which ends early."""
    from forewarn.models.generation import Prompt
    from forewarn.models.generation import generate as sample
    from tiny_models import tiny_tokenizer

    prompts = [
        Prompt(f"q{n}", "", tuple(range(5, 5 + case["prompt"])), case["samples"], 1.0)
        for n in range(case["rows"] // case["samples"])
    ]
    sample(
        model, tiny_tokenizer(), prompts, max_new_tokens=case["tokens"], seed=0,
        batch_rows=case["rows"], stop_ids=[],
    )  # fmt: skip


def read(case: dict[str, Any], model: Any) -> None:
    """Activations of all layers."""
    from forewarn.models.activations import capture
    from forewarn.models.requests import Request
    from tiny_models import tiny_tokenizer

    requests = [
        Request(f"q{n}", tuple(range(5, 25)), 0, tuple(range(5, 5 + case["tokens"] - 20)), keep_prompt=True)
        for n in range(case["rows"])
    ]
    with tempfile.TemporaryDirectory() as folder:
        capture(
            model, tiny_tokenizer(), requests, layers="all", batch_rows=case["rows"],
            path=Path(folder) / "activations.parquet",
        )  # fmt: skip


def model_of(case: dict[str, Any]) -> Any:
    """The case's model, on the device that there is."""
    from forewarn.models.load import device
    from shapes import stand_in

    return stand_in(case["shape"], case["layers"], case.get("dtype", "float32")).to(device())


KINDS = {"train": train, "generate": generate, "read": read}
SMALL = {"shape": "small", "layers": 2}


def main(case: dict[str, Any]) -> int:
    """Bytes that a job needs at its peak, what the libraries themselves take left out."""
    import shapes

    shapes.SHAPES["small"] = {
        "model_type": shapes.SHAPES[case["shape"]]["model_type"], "hidden_size": 32, "intermediate_size": 48,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 300,
    }  # fmt: skip
    work = KINDS[case["kind"]]
    first = case | SMALL | {"rows": 2, "samples": 1, "tokens": 32, "prompt": 8}
    work(first, model_of(first))  # load what is loaded late
    return peak_of(lambda: model_of(case), lambda model: work(case, model))


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "2"
    here = Path(__file__).resolve().parent
    sys.path[:0] = [str(here), str(here.parent / "scripts")]
    print(json.dumps({"peak": main(json.loads(sys.argv[1]))}))
