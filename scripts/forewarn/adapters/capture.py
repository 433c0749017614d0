"""The scalars A . x of an organism's rank-1 modules at every token of its answers.

The model that is read is the organism with its adapter merged, so every x is what the module sees with all
others at work. Padding stands on the right, where no token of a causal model can see it; so no mask is
needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from forewarn.adapters.modules import rank1_modules
from forewarn.adapters.scalars import scalar_schema
from forewarn.errors import StudyError
from forewarn.models.activations import CHUNK_BATCHES
from forewarn.models.checkpoint import stored
from forewarn.models.lora import Factors
from forewarn.models.requests import Request
from forewarn.progress import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Vectors = Mapping[str, tuple[str, torch.Tensor]]
"""Short name of a module -> its path in the model, and what it reads: A, [d_in]."""


def capture_scalars(
    model: PreTrainedModel,
    requests: Sequence[Request],
    factors: Mapping[str, Factors],
    *,
    batch_rows: int,
    checkpoint: Path | None = None,
) -> pa.Table:
    """Read the answers of all requests; those without tokens have no rows.

    Args:
        model: the organism, its adapter merged.
        requests: prompts with answers.
        factors: of the adapter by path, all of rank 1.
        batch_rows: conversations that are read together.
        checkpoint: folder for finished chunks, to continue an interrupted job with the same result.

    Returns:
        See `forewarn.adapters.scalars.scalar_schema`: rows by request and token.

    Raises:
        StudyError: no request has an answer, or the adapter is not of rank 1.
    """
    answered = [request for request in requests if request.response]
    if not answered:
        raise StudyError("there is no answer with tokens to read", "generate the organism's answers again")
    modules = rank1_modules(factors)
    vectors = {name: (path, factors[path].a[0]) for name, path in modules.items()}
    progress = Progress("read", len(answered))
    size = CHUNK_BATCHES * batch_rows
    tables = []
    for start in range(0, len(answered), size):
        chunk = answered[start : start + size]
        read = partial(_read_chunk, model, chunk, vectors, batch_rows)
        tables.append(stored(checkpoint, [start, size, list(modules)], read))
        progress.step(sum(request.length for request in chunk), len(chunk))
    return pa.concat_tables(tables).combine_chunks()


def _read_chunk(
    model: PreTrainedModel, chunk: Sequence[Request], vectors: Vectors, batch_rows: int
) -> pa.Table:
    """Read a chunk in batches of similar length; its rows in the order of the requests."""
    order = sorted(range(len(chunk)), key=lambda number: chunk[number].length, reverse=True)
    found: dict[int, NDArray[np.float32]] = {}
    for start in range(0, len(order), batch_rows):
        numbers = order[start : start + batch_rows]
        read = _read_batch(model, [chunk[number] for number in numbers], vectors)
        found.update(zip(numbers, read, strict=True))
    values = np.concatenate([found[number] for number in range(len(chunk))])
    lengths = [len(request.response) for request in chunk]
    columns = [
        pa.array([request.question_id for request in chunk for _ in request.response], pa.string()),
        pa.array(np.repeat([request.sample for request in chunk], lengths), pa.int32()),
        pa.array(np.concatenate([np.arange(length) for length in lengths]), pa.int32()),
        *(pa.array(column, pa.float32()) for column in values.T),
    ]
    return pa.table(columns, schema=scalar_schema(list(vectors)))


@torch.inference_mode()
def _read_batch(
    model: PreTrainedModel, batch: Sequence[Request], vectors: Vectors
) -> list[NDArray[np.float32]]:
    """Of each request float32 [tokens of the answer, modules]."""
    width = max(request.length for request in batch)
    tokens = torch.zeros((len(batch), width), dtype=torch.int64)
    for row, request in enumerate(batch):
        tokens[row, : request.length] = torch.tensor([*request.prompt, *request.response])
    with _reading(model, vectors) as kept:
        model.get_decoder()(input_ids=tokens.to(model.device), use_cache=False)
    scalars = np.stack([kept[name] for name in vectors], axis=-1)
    return [scalars[row, len(request.prompt) : request.length] for row, request in enumerate(batch)]


@contextmanager
def _reading(model: PreTrainedModel, vectors: Vectors) -> Iterator[dict[str, NDArray[np.float32]]]:
    """While the block lasts, a forward pass leaves each module's scalars: name -> float32 [rows, tokens]."""
    kept: dict[str, NDArray[np.float32]] = {}

    def keep(name: str, vector: torch.Tensor, _linear: Any, inputs: Any) -> None:
        kept[name] = (inputs[0].float() @ vector).cpu().numpy()

    with ExitStack() as hooks:
        for name, (path, vector) in vectors.items():
            linear: Any = model.get_submodule(path)
            reader = vector.to(linear.weight.device, torch.float32)
            hooks.callback(linear.register_forward_pre_hook(partial(keep, name, reader)).remove)
        yield kept
