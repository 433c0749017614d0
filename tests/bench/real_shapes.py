"""Speed and memory at the shapes of published models, with random weights.

    python tests/bench/real_shapes.py --shape qwen1.5b             all layers, bfloat16: for a GPU
    python tests/bench/real_shapes.py --shape qwen0.5b --layers 4  reduced depth, float32: for a CPU

Printed are decoding against asking one question at a time and against the bound that memory sets, training
against the device's own matrix product, capture in bytes of activations a second, and peak memory beside the
preflight's estimate. Ratios within one run are what counts; figures name the machine they are from.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1] / "scripts")]


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of some work, the GPU's included."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def matrix_peak(dtype: Any, place: str) -> float:
    """Floating-point operations a second of a large matrix product."""
    import torch

    size = 8192 if place == "cuda" else 1536
    left = torch.randn(size, size, dtype=dtype, device=place)
    seconds(lambda: left @ left)
    return 2 * size**3 / min(seconds(lambda: left @ left) for _ in range(3))


def copy_speed(dtype: Any, place: str) -> float:
    """Bytes a second that the device reads from memory."""
    import torch

    values = torch.zeros(2**28 if place == "cuda" else 2**26, dtype=dtype, device=place)
    seconds(values.sum)
    return values.nbytes / min(seconds(values.sum) for _ in range(3))


def decoding(model: Any, tokenizer: Any, rows: int, tokens: int, bound: float) -> None:
    """Tokens a second, batched and one question at a time."""
    from generation import batched, one_question_at_a_time

    questions = [tuple(range(5 + n, 45 + n)) for n in range(max(1, rows // 8))]
    written, took = batched(model, tokenizer, questions, 8, tokens, {2}, rows)
    few = questions[: max(1, len(questions) // 4)]
    alone, slow = one_question_at_a_time(model, few, 8, tokens, {2})
    weights = sum(parameter.nbytes for parameter in model.parameters())
    limit = rows / (weights / bound)
    print(
        f"decode: {written / took:,.0f} tokens/s, {written / took / (alone / slow):.1f} times one question "
        f"at a time, {written / took / limit:.0%} of the bandwidth limit of {limit:,.0f}"
    )


def training(shape: str, layers: int, dtype: str, rows: int, tokens: int, peak: float) -> None:
    """Tokens a second of LoRA fine-tuning, as a share of the matrix peak."""
    import torch
    from datasets import Dataset

    from forewarn.models.load import device
    from forewarn.training.finetune import finetune
    from measure_memory import RECIPE
    from shapes import stand_in
    from tiny_models import tiny_tokenizer

    model = stand_in(shape, layers, dtype).to(device())
    steps = 6
    drawn = torch.randint(3, 290, (rows * steps, tokens)).tolist()
    examples = Dataset.from_dict({"input_ids": drawn, "labels": drawn})
    times: dict[int, float] = {}
    for count in (2, steps):
        recipe = RECIPE | {"batch_size": rows, "steps": count}
        with tempfile.TemporaryDirectory() as folder:
            again = model if count == steps else stand_in(shape, layers, dtype).to(device())

            def run(subject: Any = again, recipe: dict[str, Any] = recipe, folder: str = folder) -> None:
                finetune(subject, tiny_tokenizer(), examples, recipe, seed=0, name="x", folder=Path(folder))

            times[count] = seconds(run)
    each = (times[steps] - times[2]) / (steps - 2)
    # Forward and backward through all weights, which are frozen; on a GPU forward once more, to recompute.
    passes = 6 if torch.cuda.is_available() else 4
    operations = passes * sum(parameter.numel() for parameter in model.parameters()) * rows * tokens
    print(f"train: {rows * tokens / each:,.0f} tokens/s, {operations / each / peak:.0%} of the matrix peak")


def reading(shape: str, layers: int, dtype: str, rows: int, tokens: int) -> None:
    """Bytes of activations that pass the hooks a second."""
    from forewarn.models.activations import capture
    from forewarn.models.load import device
    from forewarn.models.requests import Request
    from shapes import stand_in
    from tiny_models import tiny_tokenizer

    model = stand_in(shape, layers, dtype).to(device())
    text = tuple(range(5, 5 + tokens - 20))
    asked = [Request(f"q{n}", tuple(range(5, 25)), 0, text, keep_prompt=True) for n in range(rows * 3)]
    with tempfile.TemporaryDirectory() as folder:
        took = seconds(
            lambda: capture(
                model, tiny_tokenizer(), asked, layers="all", batch_rows=rows, path=Path(folder) / "a.parquet"
            )
        )
    size = {"float32": 4, "bfloat16": 2}[dtype]
    passed = len(asked) * tokens * layers * model.config.hidden_size * size
    print(
        f"read: {passed / took / 1e9:.2f} GB/s of residual stream, {len(asked) * tokens / took:,.0f} tokens/s"
    )


def main() -> None:
    """Measure one shape on the device that there is."""
    import torch

    from forewarn.models.load import device
    from forewarn.models.memory import Shape, generation_bytes
    from shapes import SHAPES, config_of, stand_in
    from tiny_models import tiny_tokenizer

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=SHAPES, default="qwen0.5b")
    parser.add_argument("--layers", type=int, help="reduced depth; all layers by default")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--tokens", type=int)
    options = parser.parse_args()
    place = device()
    on_gpu = place == "cuda"
    layers = options.layers or config_of(options.shape)["num_hidden_layers"]
    rows, tokens = options.rows or (256 if on_gpu else 32), options.tokens or (200 if on_gpu else 24)
    dtype = "bfloat16" if on_gpu else "float32"
    peak, bound = matrix_peak(getattr(torch, dtype), place), copy_speed(getattr(torch, dtype), place)
    name = torch.cuda.get_device_name() if on_gpu else f"CPU, {torch.get_num_threads()} threads"
    print(f"{options.shape}, {layers} layers, {dtype}; {name}: ", end="")
    print(f"{peak / 1e12:.2f} TFLOP/s, {bound / 1e9:.0f} GB/s")
    model = stand_in(options.shape, layers, dtype).to(place)
    decoding(model, tiny_tokenizer(), rows, tokens, bound)
    if on_gpu:
        held = torch.cuda.max_memory_allocated()
        estimate = generation_bytes(Shape.of(config_of(options.shape, layers)), dtype, rows, 40 + tokens)
        print(f"memory of decoding: {held / 1e9:.1f} GB, estimated {estimate / 1e9:.1f} GB")
    del model
    training(options.shape, layers, dtype, 16 if on_gpu else 2, 256 if on_gpu else 128, peak)
    reading(options.shape, layers, dtype, 32 if on_gpu else 8, 256)


if __name__ == "__main__":
    main()
