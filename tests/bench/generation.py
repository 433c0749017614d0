"""How much faster is batched sampling than asking one question at a time?

The rival is `model.generate(num_return_sequences=n)` per question, as published evaluations of
emergent misalignment sample. Both run in turn on the same model, prompts and settings; the ratio is of
tokens per second.

    python tests/bench/generation.py --random
    python tests/bench/generation.py --model results/nano/instruct
"""

from __future__ import annotations

import statistics
import time

from subjects import arguments, load_subject, prompts


def one_question_at_a_time(
    model, questions, samples: int, max_new_tokens: int, stop_ids
) -> tuple[int, float]:
    """Tokens and seconds of the published way."""
    import torch

    torch.manual_seed(0)
    started, tokens = time.perf_counter(), 0
    for question in questions:
        inputs = torch.tensor([question], device=model.device)
        with torch.inference_mode():
            written = model.generate(
                inputs, attention_mask=torch.ones_like(inputs), num_return_sequences=samples, do_sample=True,
                temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=max_new_tokens,
                eos_token_id=sorted(stop_ids), pad_token_id=0,
            )[:, len(question) :]  # fmt: skip
        ended = torch.isin(written, torch.tensor(sorted(stop_ids), device=written.device)).int()
        tokens += int((ended.cumsum(-1) - ended == 0).sum())  # up to and with the first end-of-turn token
    return tokens, time.perf_counter() - started


def batched(model, tokenizer, questions, samples: int, max_new_tokens: int, stop_ids, batch_rows: int):
    """Tokens and seconds of Forewarn's sampler."""
    from forewarn.models.generation import Prompt, generate

    asked = [Prompt(f"q{n}", "", question, samples, 1.0) for n, question in enumerate(questions)]
    started = time.perf_counter()
    table = generate(
        model,
        tokenizer,
        asked,
        max_new_tokens=max_new_tokens,
        seed=0,
        batch_rows=batch_rows,
        stop_ids=stop_ids,
    )
    seconds = time.perf_counter() - started
    return sum(table["n_tokens"].to_pylist()) + table["finish_reason"].to_pylist().count("stop"), seconds


def main() -> None:
    """Print the ratio of every repeat and the median."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--batch-rows", type=int, default=256)
    options = parser.parse_args()
    model, tokenizer, stop_ids = load_subject(options.model)
    questions = prompts(model, tokenizer, options.questions, random_tokens=options.random)
    common = (options.samples, options.max_new_tokens, stop_ids)
    one_question_at_a_time(model, questions[:1], *common)  # warm up
    ratios = []
    for _ in range(options.repeats):
        slow_tokens, slow = one_question_at_a_time(model, questions, *common)
        fast_tokens, fast = batched(model, tokenizer, questions, *common, options.batch_rows)
        ratios.append((fast_tokens / fast) / (slow_tokens / slow))
        print(
            f"one question at a time {slow_tokens / slow:7,.0f} tokens/s ({slow:.1f} s), "
            f"batched {fast_tokens / fast:7,.0f} tokens/s ({fast:.1f} s): {ratios[-1]:.2f} x"
        )
    print(f"batched generation is {statistics.median(ratios):.2f} x as fast (median of {len(ratios)})")


if __name__ == "__main__":
    main()
