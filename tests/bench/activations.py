"""What does streaming capture save against hooking every layer and token?

The rival keeps resid_post of all tokens of all layers (TransformerLens' `run_with_cache`) and reduces
afterwards. Each runs in a process of its own, because peak memory is a property of a process: what is
printed is the peak above the level after loading the model.

    python tests/bench/activations.py --random
    python tests/bench/activations.py --model results/nano/instruct
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from subjects import VOCABULARY, arguments, load_subject, prompts


def peak_mib() -> float:
    """Peak resident memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def everything(model, tokenizer, requests, batch_rows: int, path: Path) -> None:
    """Keep all tokens of all layers, then reduce and write."""
    import torch

    from forewarn.files import write_tensors
    from forewarn.models.bridge import boot

    bridge = boot(model, tokenizer)
    kept = []
    for start in range(0, len(requests), batch_rows):
        batch = requests[start : start + batch_rows]
        tokens = torch.zeros((len(batch), max(request.length for request in batch)), dtype=torch.int64)
        for row, request in enumerate(batch):
            tokens[row, : request.length] = torch.tensor([*request.prompt, *request.response])
        with torch.inference_mode():
            _, cache = bridge.run_with_cache(
                tokens.to(model.device),
                names_filter=lambda name: name.endswith("hook_out") and name.count(".") == 2,
            )
        layers = [cache[f"blocks.{layer}.hook_out"].cpu() for layer in range(model.config.num_hidden_layers)]
        kept.append(torch.stack(layers))
    rows = {"prompt": [], "answer": []}
    for number, request in enumerate(requests):
        stream = kept[number // batch_rows][:, number % batch_rows]
        end = len(request.prompt)
        rows["prompt"].append(stream[:, end - 1])
        rows["answer"].append(stream[:, end : request.length].mean(1))
    write_tensors(path, {name: torch.stack(vectors) for name, vectors in rows.items()})


def measure(way: str, options) -> None:
    """Run one way in this process and print seconds and MiB as JSON."""
    from forewarn.models.activations import capture
    from forewarn.models.requests import Request

    model, tokenizer, _ = load_subject(options.model)
    rng = random.Random(0)
    known = min(VOCABULARY, len(tokenizer))
    longest = options.max_new_tokens
    requests = []
    for n, prompt in enumerate(prompts(model, tokenizer, options.questions, random_tokens=options.random)):
        for sample in range(options.samples):
            response = tuple(rng.randrange(3, known) for _ in range(rng.randint(longest // 2, longest)))
            requests.append(Request(f"q{n}", prompt, sample, response, keep_prompt=sample == 0))
    import transformer_lens.model_bridge  # noqa: F401  both ways need it; its import is not what we compare

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "activations"
        before, started = peak_mib(), time.perf_counter()
        if way == "everything":
            everything(model, tokenizer, requests, options.batch_rows, path)
        else:
            capture(model, tokenizer, requests, layers="all", batch_rows=options.batch_rows, path=path)
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "mib": peak_mib() - before, "rows": len(requests)}))


def main() -> None:
    """Print time and memory of both ways, and the ratios of their medians."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--batch-rows", type=int, default=64)
    parser.add_argument("--way", choices=["everything", "streaming"], help="run one way, in this process")
    parser.set_defaults(questions=64)
    options = parser.parse_args()
    if options.way:
        measure(options.way, options)
        return
    runs: dict[str, list[dict[str, float]]] = {"everything": [], "streaming": []}
    for _ in range(options.repeats):
        for way, results in runs.items():
            done = subprocess.run(
                [sys.executable, *sys.argv, "--way", way], check=True, capture_output=True, text=True
            )
            results.append(json.loads(done.stdout.splitlines()[-1]))
            print("{:10s} {seconds:6.1f} s {mib:8.0f} MiB for {rows} responses".format(way, **results[-1]))
    for what, unit in (("seconds", "time"), ("mib", "peak memory")):
        rival, ours = (statistics.median(run[what] for run in runs[way]) for way in runs)
        print(f"streaming capture takes 1/{rival / max(ours, 1e-9):.2f} of the {unit}")


if __name__ == "__main__":
    main()
