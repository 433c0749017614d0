"""Sampling responses to a question set.

`model.generate` of `transformers`, called question by question as published evaluations of emergent
misalignment do, prefills the prompt once per sample and waits for the longest response of each call.
Here many questions share a batch, each prompt is prefilled once, and rows that ended are retired.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from forewarn.chat.template import end_of_turn_ids as template_ends
from forewarn.errors import StudyError
from forewarn.models.checkpoint import stored
from forewarn.models.decoding import decode
from forewarn.models.sampling import row_seed, uniforms
from forewarn.models.shards import WHOLE, Shard, part
from forewarn.progress import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

SCHEMA = pa.schema(
    [
        ("question_id", pa.string()),
        ("sample", pa.int32()),
        ("seed", pa.int64()),
        ("prompt", pa.string()),
        ("response", pa.string()),
        ("token_ids", pa.list_(pa.int32())),
        ("n_tokens", pa.int32()),
        ("finish_reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class Prompt:
    """A rendered question, and how to sample from it.

    Attributes:
        question_id: unique in its question set.
        text: the prompt as rendered by the chat template, with the generation header.
        token_ids: the tokens of `text`.
        samples: how many responses are drawn.
        temperature: of the softmax; 0 takes the likeliest token.
    """

    question_id: str
    text: str
    token_ids: tuple[int, ...]
    samples: int
    temperature: float


@dataclass(frozen=True)
class _Share:
    """The samples `first, first + 1, ...` of one prompt, as one batch draws them."""

    prompt: Prompt
    first: int
    count: int

    @property
    def samples(self) -> range:
        return range(self.first, self.first + self.count)


def prompts_from_table(table: pa.Table) -> list[Prompt]:
    """The prompts of a question set (question parquet), in its order."""
    columns = ["question_id", "prompt", "token_ids", "samples", "temperature"]
    return [
        Prompt(row["question_id"], row["prompt"], tuple(row["token_ids"]), row["samples"], row["temperature"])
        for row in table.select(columns).to_pylist()
    ]


def end_of_turn_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> frozenset[int]:
    """Tokens that end a response: the template's end of turn, the generation config's, the tokenizer's EOS.

    Published generation configs of one family name different ones, and some name the EOS alone.
    """
    named = model.generation_config.eos_token_id
    ids = {
        *(named if isinstance(named, list) else [named]),
        *template_ends(tokenizer),
        tokenizer.eos_token_id,
    }
    return frozenset(int(token) for token in ids if token is not None)


def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[Prompt],
    *,
    max_new_tokens: int,
    seed: int,
    batch_rows: int,
    stop_ids: Iterable[int] | None = None,
    checkpoint: Path | None = None,
    shard: Shard = WHOLE,
) -> pa.Table:
    """Sample all responses to all prompts.

    A response depends on the model, its prompt, its temperature and its own seed (`row_seed`), but not
    on its neighbours in the batch, up to rounding of the logits. Different models asked the same question
    with the same `seed` share their random numbers, which makes comparisons between them sharper.

    Args:
        model: as `load_model` gives it; interventions may be applied to it.
        tokenizer: decodes the responses.
        prompts: with unique ids, see `prompts_from_table`.
        max_new_tokens: where a response is cut (finish_reason "length").
        seed: of the whole table.
        batch_rows: responses that decode together at most; whole prompts share a batch as far as
            possible, longest prompts first, so that memory runs out early or never.
        stop_ids: tokens that end a response; `end_of_turn_ids` by default.
        checkpoint: folder for finished batches, to continue an interrupted job with the same result.
        shard: which part of the work to do. Shards are made of whole batches, so that they hold the same
            responses as the whole, to the bit; see `merge`.

    Returns:
        One row per response, in the order of `prompts` and samples, with `SCHEMA`.

    Raises:
        StudyError: question ids repeat, a prompt is empty, has tokens unknown to the model, or leaves
            no room for `max_new_tokens` within the model's positions.
    """
    _check(model, prompts, max_new_tokens)
    stops = end_of_turn_ids(model, tokenizer) if stop_ids is None else frozenset(stop_ids)
    batches = part(list(_batches(prompts, batch_rows)), shard)
    progress = Progress("generate", sum(share.count for batch in batches for share in batch))

    def respond(batch: list[_Share]) -> pa.Table:
        seeds = [
            row_seed(seed, share.prompt.question_id, sample) for share in batch for sample in share.samples
        ]
        decoded = decode(
            model,
            [share.prompt.token_ids for share in batch],
            [share.count for share in batch],
            [share.prompt.temperature for share in batch],
            uniforms(seeds, max_new_tokens),
            stops,
            progress.step,
        )
        owners = [(share.prompt, sample) for share in batch for sample in share.samples]
        rows = [
            {
                "question_id": prompt.question_id,
                "sample": sample,
                "seed": key,
                "prompt": prompt.text,
                "response": tokenizer.decode(
                    response.token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
                ),
                "token_ids": response.token_ids,
                "n_tokens": len(response.token_ids),
                "finish_reason": "stop" if response.stopped else "length",
            }
            for (prompt, sample), key, response in zip(owners, seeds, decoded, strict=True)
        ]
        return pa.Table.from_pylist(rows, schema=SCHEMA)

    tables = []
    for batch in batches:
        key = [
            [max_new_tokens, seed, sorted(stops)],
            [
                [s.prompt.question_id, s.prompt.token_ids, s.prompt.temperature, s.first, s.count]
                for s in batch
            ],
        ]
        tables.append(stored(checkpoint, key, partial(respond, batch)))
        if (known := sum(table.num_rows for table in tables)) > progress.done:  # finished before
            progress.step(steps=known - progress.done)
    return _in_order(pa.concat_tables([SCHEMA.empty_table(), *tables]), prompts)


def merge(shards: Sequence[pa.Table], prompts: Sequence[Prompt]) -> pa.Table:
    """The responses of all shards, in the order of `prompts` and samples.

    Raises:
        StudyError: they are not all responses to these prompts.
    """
    # Parquet has names of its own for what lists hold.
    table = _in_order(pa.concat_tables([shard.cast(SCHEMA) for shard in shards]), prompts)
    wanted = [(prompt.question_id, sample) for prompt in prompts for sample in range(prompt.samples)]
    found = list(zip(table["question_id"].to_pylist(), table["sample"].to_pylist(), strict=True))
    if found != wanted:
        raise StudyError(
            f"the shards hold {len(found)} responses where {len(wanted)} are wanted",
            "delete the shards, and run again",
        )
    return table


def _batches(prompts: Sequence[Prompt], batch_rows: int) -> Iterator[list[_Share]]:
    """Fill batches with whole prompts, longest first; only a prompt too big for any batch is split."""
    batch: list[_Share] = []
    room = batch_rows
    for prompt in sorted(prompts, key=lambda prompt: len(prompt.token_ids), reverse=True):
        for first in range(0, prompt.samples, batch_rows):
            share = _Share(prompt, first, min(batch_rows, prompt.samples - first))
            if share.count > room:
                yield batch
                batch, room = [], batch_rows
            batch.append(share)
            room -= share.count
    if batch:
        yield batch


def _in_order(table: pa.Table, prompts: Sequence[Prompt]) -> pa.Table:
    rank = {prompt.question_id: number for number, prompt in enumerate(prompts)}
    ids, samples = table["question_id"].to_pylist(), table["sample"].to_pylist()
    order = sorted(range(len(ids)), key=lambda row: (rank[ids[row]], samples[row]))
    return table.take(pa.array(order, pa.int64())).combine_chunks()


def _check(model: PreTrainedModel, prompts: Sequence[Prompt], max_new_tokens: int) -> None:
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    vocabulary = model.get_input_embeddings().num_embeddings
    seen: set[str] = set()
    for prompt in prompts:
        name = f"question {prompt.question_id!r}"
        if prompt.question_id in seen:
            raise StudyError(f"{name} occurs twice", "give every question an id of its own")
        seen.add(prompt.question_id)
        if not prompt.token_ids or max(prompt.token_ids) >= vocabulary:
            raise StudyError(
                f"{name} has no tokens, or tokens that the model (vocabulary {vocabulary}) does not know",
                "render the question set again with the tokenizer of this model",
            )
        if positions is not None and len(prompt.token_ids) + max_new_tokens > positions:
            raise StudyError(
                f"{name} has {len(prompt.token_ids)} tokens; with max_new_tokens: {max_new_tokens} "
                f"it exceeds the model's {positions} positions",
                "shorten the question, or lower sampling.max_new_tokens",
            )
