"""Residual-stream activations, read through TransformerLens and streamed to parquet.

Of every conversation two vectors per layer are kept: resid_post at the last prompt token, before the
model has written anything, and its mean over the tokens of a response. They are computed inside the
hooks, layer by layer, so that the activations of all tokens of all layers never exist at once; and
they are written chunk by chunk, so that memory does not grow with the number of responses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.files import replacing
from forewarn.geometry.first_token import COUNT, ENTROPY, FIRST_TOKEN
from forewarn.models.bridge import boot
from forewarn.models.checkpoint import stored
from forewarn.models.first_token import columns as first_token_columns
from forewarn.models.first_token import only_at, readings
from forewarn.models.requests import ANSWER_MEAN, LAST_PROMPT_TOKEN, PROMPT_SAMPLE, Request
from forewarn.models.shards import WHOLE, Shard, part
from forewarn.progress import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

CHUNK_BATCHES = 16  # batches per row group: sequences are sorted by length within it, to save padding


def capture(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    requests: Sequence[Request],
    *,
    layers: str | Iterable[int],
    batch_rows: int,
    path: Path,
    checkpoint: Path | None = None,
    shard: Shard = WHOLE,
    first_token: bool = False,
) -> None:
    """Write the activations of all requests, in their order, as an activations parquet.

    Columns: question_id, sample, position ("last_prompt_token" or "answer_mean"), n_tokens (of the prompt
    or the response), and per layer `layer_NN`, float32 `[d_model]`, resid_post of block NN. The answer mean
    covers the response's tokens without the end-of-turn token; an empty response has no such row. With
    `first_token` also the columns of `forewarn.geometry.first_token.FIRST_TOKEN`.

    Args:
        model: as `load_model` gives it. TransformerLens takes it over and changes its modules in place:
            load it anew for anything else.
        tokenizer: of the model.
        requests: see `requests_from_tables`.
        layers: block numbers, or "all".
        batch_rows: conversations that are read together.
        path: the parquet file to write.
        checkpoint: folder for finished chunks, to continue an interrupted job with the same result.
        shard: which part of the work to do, in whole chunks; see `merge`.
        first_token: whether to read the model to its end, for what it would say at the last prompt token.

    Raises:
        StudyError: there is nothing to read, a layer does not exist, or TransformerLens does not know
            the model's architecture.
    """
    if not requests:
        raise StudyError("there is no question to read activations of", "check the splits in the settings")
    chosen = _chosen(layers, model.config.get_text_config().num_hidden_layers)
    width = model.config.get_text_config().hidden_size
    bridge = boot(model, tokenizer)
    size = CHUNK_BATCHES * batch_rows
    starts = part(range(0, len(requests), size), shard)
    progress = Progress("read", sum(len(requests[start : start + size]) for start in starts))
    known = 0
    with replacing(path) as temporary:
        schema = _schema(chosen, width, first_token)
        with pq.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=False) as writer:
            for start in starts:
                chunk = requests[start : start + size]
                read = partial(_read_chunk, bridge, chunk, chosen, batch_rows, schema, progress)
                writer.write_table(stored(checkpoint, [start, size, chosen, first_token], read))
                known += len(chunk)
                if known > progress.done:  # finished before
                    progress.step(steps=known - progress.done)


def merge(shards: Sequence[Path], path: Path) -> None:
    """Write the activations of all shards, in their order; the same file as without shards, to the byte.

    Raises:
        StudyError: they hold different layers.
    """
    files = [pq.ParquetFile(shard) for shard in shards]
    read = files[0].schema_arrow
    if any(file.schema_arrow != read for file in files):
        raise StudyError(f"the shards of {path} hold different layers", "delete the shards, and run again")
    layers = [int(name.removeprefix("layer_")) for name in read.names if name.startswith("layer_")]
    # Anew, for parquet has names of its own for what lists hold.
    schema = _schema(layers, read.field(4).type.list_size, ENTROPY in read.names)
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=False) as writer,
    ):
        for file in files:
            for group in range(file.num_row_groups):
                writer.write_table(file.read_row_group(group).cast(schema))


def _chosen(layers: str | Iterable[int], n_layers: int) -> list[int]:
    if layers == "all":
        return list(range(n_layers))
    chosen = sorted({int(layer) for layer in layers})
    if not chosen or chosen[0] < 0 or chosen[-1] >= n_layers:
        raise StudyError(
            f"activations.layers asks for {chosen}, but the model has layers 0 to {n_layers - 1}",
            'list layers of this model, or write "all"',
        )
    return chosen


def _schema(layers: list[int], width: int, first_token: bool) -> pa.Schema:
    vectors = [(f"layer_{layer:02d}", pa.list_(pa.float32(), width)) for layer in layers]
    head = [
        ("question_id", pa.string()),
        ("sample", pa.int32()),
        ("position", pa.string()),
        ("n_tokens", pa.int32()),
    ]
    return pa.schema([*head, *vectors, *(FIRST_TOKEN if first_token else [])])


def _read_chunk(
    bridge: Any,
    chunk: Sequence[Request],
    layers: list[int],
    batch_rows: int,
    schema: pa.Schema,
    progress: Progress,
) -> pa.Table:
    """Read a chunk in batches of similar length; its rows in the order of the requests."""
    vectors = np.empty((len(layers), len(chunk), 2, schema.field(4).type.list_size), dtype=np.float32)
    said = np.empty((len(chunk), 1 + COUNT), dtype=np.float32)
    first_token = ENTROPY in schema.names
    order = sorted(range(len(chunk)), key=lambda number: chunk[number].length, reverse=True)
    for start in range(0, len(order), batch_rows):
        numbers = order[start : start + batch_rows]
        batch = [chunk[number] for number in numbers]
        vectors[:, numbers], first = _read_batch(bridge, batch, layers, first_token)
        if first is not None:
            said[numbers] = first
        progress.step(sum(chunk[number].length for number in numbers), len(numbers))
    rows = list(_rows(chunk))
    head = list(zip(*(row[2:] for row in rows), strict=True))
    where, which = [row[0] for row in rows], [row[1] for row in rows]
    columns = [pa.array(column, field.type) for column, field in zip(head, schema, strict=False)]
    for layer in vectors:
        flat = pa.array(layer[where, which].reshape(-1))
        columns.append(pa.FixedSizeListArray.from_arrays(flat, layer.shape[-1]))
    if first_token:
        columns += first_token_columns(said[where], np.array(which) == 0)
    return pa.Table.from_arrays(columns, schema=schema)


def _rows(chunk: Sequence[Request]) -> Iterator[tuple[int, int, str, int, str, int]]:
    """Request number and vector (0 prompt, 1 answer), then question_id, sample, position, n_tokens."""
    for number, request in enumerate(chunk):
        if request.keep_prompt:
            yield number, 0, request.question_id, PROMPT_SAMPLE, LAST_PROMPT_TOKEN, len(request.prompt)
        if request.response:
            yield number, 1, request.question_id, request.sample, ANSWER_MEAN, len(request.response)


@torch.inference_mode()
def _read_batch(
    bridge: Any, batch: Sequence[Request], layers: list[int], first_token: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Vectors at the last prompt token and in the mean over the response, and what would be said first.

    The padding stands on the right, where no token of a causal model can see it; so no mask is needed.

    Returns:
        float32 `[layers, rows, 2, d_model]`; with `first_token` also float32 `[rows, 1 + COUNT]`.
    """
    width = max(request.length for request in batch)
    tokens = torch.zeros((len(batch), width), dtype=torch.int64)
    weights = torch.zeros((len(batch), 2, width))
    for row, request in enumerate(batch):
        end = len(request.prompt)
        tokens[row, : request.length] = torch.tensor([*request.prompt, *request.response])
        weights[row, 0, end - 1] = 1
        if request.response:
            weights[row, 1, end : request.length] = 1 / len(request.response)
    place = bridge.cfg.device
    tokens, weights = tokens.to(place), weights.to(place)
    kept: list[NDArray[np.float32]] = []

    def keep(resid_post: torch.Tensor, hook: Any) -> None:
        kept.append(torch.bmm(weights.to(resid_post.device), resid_post.float()).cpu().numpy())

    hooks: list[Any] = [(f"blocks.{layer}.hook_resid_post", keep) for layer in layers]
    if first_token:
        hooks.append(only_at([len(request.prompt) - 1 for request in batch]))
        logits = bridge.run_with_hooks(tokens, fwd_hooks=hooks, use_cache=False)
        return np.stack(kept), readings(logits[:, 0])
    bridge.run_with_hooks(
        tokens,
        return_type=None,
        stop_at_layer=layers[-1] + 1,
        fwd_hooks=hooks,
        use_cache=False,
        logits_to_keep=1,
    )
    return np.stack(kept), None
