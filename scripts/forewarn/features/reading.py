"""What is read through an autoencoder: the texts it is measured on, and an organism's answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.features.autoencoder import Autoencoder
from forewarn.features.quality import Quality, TopTexts
from forewarn.features.shift import POSITIONS, reading_schema
from forewarn.features.tokens import SKIPPED, Text, states
from forewarn.models.requests import Request

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def training_vectors(
    model: PreTrainedModel, texts: Sequence[Text], layer: int, batch_rows: int, most: int
) -> NDArray[np.float32]:
    """The tokens to train on, of texts that are not held out: float32 [tokens, d_model], `most` at most.

    Which texts those are that fit into `most` is told by their order.
    """
    chosen, held = [], 0
    for text in texts:
        if not text.held_out and held < most:
            chosen.append(text.tokens)
            held += len(text.tokens) - SKIPPED
    found: dict[int, NDArray[np.float32]] = {}
    for batch in states(model, chosen, layer, batch_rows):
        found.update(batch)
    return np.concatenate([found[number] for number in range(len(chosen))])[:most]


def read_texts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    autoencoder: Autoencoder,
    texts: Sequence[Text],
    *,
    layer: int,
    batch_rows: int,
    count: int,
    context: int,
) -> tuple[dict[str, Any], NDArray[np.int64], pa.Table]:
    """Measure an autoencoder.

    Args:
        model: instruct.
        tokenizer: of the model.
        autoencoder: to measure.
        texts: what to read.
        layer: of which block.
        batch_rows: texts at once.
        count: top texts per feature.
        context: tokens on either side of the one that a feature is active at.

    Returns:
        `held_out` and `trained_on` (`Quality.summary`), how often each feature is active over all tokens
        (int64 [features]), and the top texts (`forewarn.features.quality.TEXTS`).

    Raises:
        StudyError: the autoencoder is of another width than the model.
    """
    measured = {True: Quality(autoencoder), False: Quality(autoencoder)}
    top = TopTexts(len(autoencoder.threshold), count, context)
    for batch in states(model, [text.tokens for text in texts], layer, batch_rows):
        for number, vectors in batch:
            if vectors.shape[1] != len(autoencoder.b_dec):
                raise _other_width(autoencoder, vectors.shape[1])
            text = texts[number]
            activations = autoencoder.encode(vectors)
            measured[text.held_out].add(vectors, activations)
            spelt = [tokenizer.decode([token]) for token in text.tokens[SKIPPED:]]
            top.add(activations, spelt, text.source, text.held_out)
    told = {"held_out": measured[True].summary(), "trained_on": measured[False].summary()}
    return told, measured[True].active + measured[False].active, top.table()


def read_activations_of(
    model: PreTrainedModel,
    autoencoder: Autoencoder,
    requests: Sequence[Request],
    layer: int,
    batch_rows: int,
) -> tuple[list[tuple[str, str, int]], NDArray[np.float32]]:
    """Mean activations of the features per prompt, at both positions.

    Args:
        model: the reader.
        autoencoder: whose features.
        requests: prompts with answers.
        layer: of which block.
        batch_rows: conversations at once.

    Returns:
        `question_id`, `position` and `n_responses` of each row, and float32 [rows, features].

    Raises:
        StudyError: the autoencoder is of another width than the model.
    """
    prompts: dict[str, NDArray[np.float32]] = {}
    answers: dict[str, list[tuple[int, NDArray[np.float32]]]] = {}
    conversations = [(*request.prompt, *request.response) for request in requests]
    for batch in states(model, conversations, layer, batch_rows):
        for number, vectors in batch:
            if vectors.shape[1] != len(autoencoder.b_dec):
                raise _other_width(autoencoder, vectors.shape[1])
            request, activations = requests[number], autoencoder.encode(vectors)
            end = len(request.prompt) - SKIPPED
            if request.keep_prompt:
                prompts[request.question_id] = activations[end - 1]
            if request.response:
                mean = activations[end:].mean(axis=0, dtype=np.float64).astype(np.float32)
                answers.setdefault(request.question_id, []).append((request.sample, mean))
    rows: list[tuple[str, str, int]] = []
    found: list[NDArray[Any]] = []
    for name in sorted(prompts):
        rows.append((name, POSITIONS[0], 0))
        found.append(prompts[name])
        if name in answers:
            means = [mean for _, mean in sorted(answers[name], key=lambda answer: answer[0])]
            rows.append((name, POSITIONS[1], len(means)))
            found.append(np.stack(means).mean(axis=0, dtype=np.float64).astype(np.float32))
    return rows, np.stack(found)


def reading_table(
    rows: Sequence[tuple[str, str, int]], instruct: NDArray[np.float32], organism: NDArray[np.float32]
) -> pa.Table:
    """Both readers' activations of the same rows, see `forewarn.features.shift.reading_schema`."""
    schema = reading_schema(instruct.shape[1])
    columns = [pa.array([row[place] for row in rows], schema.field(place).type) for place in range(3)]
    for values in (instruct, organism):
        flat = pa.array(np.ascontiguousarray(values).reshape(-1))
        columns.append(pa.FixedSizeListArray.from_arrays(flat, values.shape[1]))
    return pa.Table.from_arrays(columns, schema=schema)


def _other_width(autoencoder: Autoencoder, width: int) -> StudyError:
    return StudyError(
        f"the autoencoder reads activations of width {len(autoencoder.b_dec)}, and the model's have {width}",
        "name an autoencoder of this model: studies.….sparse_features.published",
    )
