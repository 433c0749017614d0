"""The residual stream after the first tokens of responses, read through TransformerLens, streamed to parquet.

Each response is read in a forward pass of its own, of the prompt and as many tokens as are asked for: a
causal model does not see what comes after. So the last prompt token is there once per response, and the data
show by themselves that a prompt's responses share it.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from forewarn.geometry.prefixes import prefix_schema
from forewarn.models.activations import CHUNK_BATCHES
from forewarn.models.bridge import boot
from forewarn.models.checkpoint import stored
from forewarn.models.requests import Request
from forewarn.progress import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def prefix_requests(
    questions: pa.Table, generations: pa.Table, splits: Sequence[str], most: int
) -> list[Request]:
    """What to read: every response to a question of these splits, cut after `most` tokens; empty ones too.

    Args:
        questions: question parquet (question_id, split, token_ids).
        generations: generations parquet over the same questions (question_id, sample, token_ids).
        splits: of the questions.
        most: tokens of a response.

    Raises:
        StudyError: a response answers a question that the question set does not have, or there is none.
    """
    known = questions.select(["question_id", "split", "token_ids"]).to_pylist()
    prompts = {row["question_id"]: tuple(row["token_ids"]) for row in known}
    asked = {row["question_id"]: number for number, row in enumerate(known) if row["split"] in splits}
    requests = []
    for row in generations.select(["question_id", "sample", "token_ids"]).to_pylist():
        name = row["question_id"]
        if name not in prompts:
            raise StudyError(
                f"a response answers question {name!r}, which is not in the question set",
                "generate the responses again from this question set",
            )
        if name in asked:
            requests.append(Request(name, prompts[name], row["sample"], tuple(row["token_ids"][:most])))
    if not requests:
        raise StudyError(
            f"there is no response to a question of the split {' or '.join(splits)}",
            "check the splits of token_curve",
        )
    return sorted(requests, key=lambda request: (asked[request.question_id], request.sample))


def capture_prefixes(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    requests: Sequence[Request],
    *,
    layers: Sequence[int],
    steps: Sequence[int],
    batch_rows: int,
    path: Path,
    checkpoint: Path | None = None,
) -> None:
    """Write what is read of all requests after each number of tokens, in their order, as a table of prefixes.

    Columns as in `forewarn.geometry.prefixes.prefix_schema`: resid_post at the last prompt token (t = 0), and
    its mean over the first t tokens of the response, or over all where there are fewer.

    Args:
        model: as `load_model` gives it. TransformerLens takes it over and changes its modules in place:
            load it anew for anything else.
        tokenizer: of the model.
        requests: see `prefix_requests`.
        layers: block numbers.
        steps: numbers of tokens, from 1.
        batch_rows: conversations that are read together.
        path: the parquet file to write.
        checkpoint: folder for finished chunks, to continue an interrupted job with the same result.

    Raises:
        StudyError: a layer does not exist, or TransformerLens does not know the model's architecture.
    """
    shape = model.config.get_text_config()
    chosen, counts = sorted(set(layers)), [0, *steps]
    if not chosen or chosen[0] < 0 or chosen[-1] >= shape.num_hidden_layers:
        raise StudyError(
            f"token_curve.layer is {chosen}, but the model has layers 0 to {shape.num_hidden_layers - 1}",
            "name a layer of this model",
        )
    bridge = boot(model, tokenizer)
    schema = prefix_schema(chosen, shape.hidden_size)
    size = CHUNK_BATCHES * batch_rows
    progress = Progress("read", len(requests))
    known = 0
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=False) as writer,
    ):
        for start in range(0, len(requests), size):
            chunk = requests[start : start + size]
            read = partial(
                _read_chunk, bridge, tokenizer, chunk, chosen, counts, batch_rows, schema, progress
            )
            writer.write_table(stored(checkpoint, [start, size, chosen, counts], read))
            known += len(chunk)
            if known > progress.done:  # finished before
                progress.step(steps=known - progress.done)


def _read_chunk(
    bridge: Any,
    tokenizer: PreTrainedTokenizerFast,
    chunk: Sequence[Request],
    layers: list[int],
    counts: list[int],
    batch_rows: int,
    schema: pa.Schema,
    progress: Progress,
) -> pa.Table:
    """Read a chunk in batches of similar length; its rows in the order of the requests."""
    width = schema.field(f"layer_{layers[0]:02d}").type.list_size
    vectors = np.empty((len(layers), len(chunk), len(counts), width), dtype=np.float32)
    order = sorted(range(len(chunk)), key=lambda number: chunk[number].length, reverse=True)
    for start in range(0, len(order), batch_rows):
        numbers = order[start : start + batch_rows]
        vectors[:, numbers] = _read_batch(bridge, [chunk[number] for number in numbers], layers, counts)
        progress.step(sum(chunk[number].length for number in numbers), len(numbers))
    heads, where, which = [], [], []
    for number, request in enumerate(chunk):
        for place, t in enumerate(counts if request.response else counts[:1]):
            seen = request.response[:t]
            text = tokenizer.decode(seen, skip_special_tokens=True, clean_up_tokenization_spaces=False)
            heads.append((request.question_id, request.sample, t, len(seen), text if seen else ""))
            where.append(number)
            which.append(place)
    columns = [
        pa.array(column, field.type) for column, field in zip(zip(*heads, strict=True), schema, strict=False)
    ]
    for layer in vectors:
        columns.append(pa.FixedSizeListArray.from_arrays(pa.array(layer[where, which].reshape(-1)), width))
    return pa.Table.from_arrays(columns, schema=schema)


@torch.inference_mode()
def _read_batch(
    bridge: Any, batch: Sequence[Request], layers: list[int], counts: list[int]
) -> NDArray[np.float32]:
    """The last prompt token, and means over the first tokens of the response: float32 [layers, rows, counts,
    d].

    The padding stands on the right, where no token of a causal model can see it; so no mask is needed.
    """
    width = max(request.length for request in batch)
    tokens = torch.zeros((len(batch), width), dtype=torch.int64)
    weights = torch.zeros((len(batch), len(counts), width))
    for row, request in enumerate(batch):
        end = len(request.prompt)
        tokens[row, : request.length] = torch.tensor([*request.prompt, *request.response])
        weights[row, 0, end - 1] = 1
        for place, t in enumerate(counts[1:], start=1):
            seen = min(t, len(request.response))
            weights[row, place, end : end + seen] = 1 / max(seen, 1)
    device = bridge.cfg.device
    tokens, weights = tokens.to(device), weights.to(device)
    kept: list[NDArray[np.float32]] = []

    def keep(resid_post: torch.Tensor, hook: Any) -> None:
        kept.append(torch.bmm(weights.to(resid_post.device), resid_post.float()).cpu().numpy())

    bridge.run_with_hooks(
        tokens,
        return_type=None,
        stop_at_layer=layers[-1] + 1,
        fwd_hooks=[(f"blocks.{layer}.hook_resid_post", keep) for layer in layers],
        use_cache=False,
        logits_to_keep=1,
    )
    return np.stack(kept)
