"""Answers, residual stream and probabilities of texts at each point of a rebound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from forewarn.elasticity.readings import READINGS
from forewarn.refusal.reading import divergences, read_closing

if TYPE_CHECKING:
    import pyarrow as pa
    from transformers import PreTrainedModel

Tokens = Sequence[int]
BATCH_TOKENS = 2048
"""Tokens, padding among them, that are read at once: what one long text takes, as logits of a vocabulary."""


@dataclass(frozen=True, eq=False)
class Text:
    """Tokens whose probabilities are read.

    Attributes:
        texts: which set it is of, see `forewarn.elasticity.readings.TEXTS`.
        number: in this set.
        tokens: all of them.
        counted: which of them count, as positions, all above 0.
    """

    texts: str
    number: int
    tokens: tuple[int, ...]
    counted: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Reference:
    """What the instruct model is at each question.

    Attributes:
        hidden: float64 [questions, d_model], resid_post of the layer at the last prompt token.
        said: per question, log probabilities [tokens, vocabulary] of its answer's first tokens.
    """

    hidden: NDArray[np.float64]
    said: list[torch.Tensor]


@torch.inference_mode()
def said_at(model: PreTrainedModel, tokens: Tokens, places: Sequence[int]) -> torch.Tensor:
    """Log probabilities of what stands at some places, given all before it: float32 [places, vocabulary].

    Args:
        model: as `load_model` gives it.
        tokens: of one text.
        places: positions in it, all above 0.
    """
    logits = model(torch.tensor([list(tokens)], device=model.device), use_cache=False).logits[0]
    chosen = torch.tensor([place - 1 for place in places], device=logits.device)
    found: torch.Tensor = logits[chosen].float().log_softmax(-1).cpu()
    return found


@torch.inference_mode()
def text_losses(model: PreTrainedModel, texts: Sequence[Text]) -> list[dict[str, Any]]:
    """Sum of -log p of each text's tokens, as rows of `TEXTS` without subject and arm.

    Args:
        model: as `load_model` gives it.
        texts: in any order; read several at once, see `BATCH_TOKENS`.
    """
    found: dict[int, dict[str, Any]] = {}
    for batch in _batches([len(text.tokens) for text in texts]):
        tokens = torch.zeros((len(batch), len(texts[batch[-1]].tokens)), dtype=torch.int64)
        attended = torch.zeros_like(tokens)
        for line, number in enumerate(batch):
            length = len(texts[number].tokens)
            tokens[line, :length] = torch.tensor(texts[number].tokens)
            attended[line, :length] = 1
        # Padding stands on the right, where no token looks
        logits = model(
            tokens.to(model.device), attention_mask=attended.to(model.device), use_cache=False
        ).logits
        for line, number in enumerate(batch):
            text = texts[number]
            places = torch.tensor(text.counted)
            said = logits[line, (places - 1).to(logits.device)].float()
            wanted = said.gather(1, tokens[line, places].to(said.device)[:, None])[:, 0]
            found[number] = {
                "texts": text.texts,
                "text": text.number,
                "loss": float((said.logsumexp(-1) - wanted).double().sum()),
                "tokens": len(text.counted),
                "vocabulary": said.shape[1],
            }
    return [found[number] for number in range(len(texts))]


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Numbers of texts that are read together, shorter ones first, so that little is padded."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[number] > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def refer(
    model: PreTrainedModel, prompts: Sequence[Tokens], answers: Sequence[Tokens], layer: int, batch_rows: int
) -> Reference:
    """Read the instruct model, which everything is compared with.

    Args:
        model: the instruct model.
        prompts: token ids of each question.
        answers: the first tokens of its answer to each, at least one.
        layer: block whose resid_post is read.
        batch_rows: prompts that are read together.
    """
    hidden = read_closing(model, prompts, 1, batch_rows)[:, 0, layer].astype(np.float64)
    return Reference(hidden, [_said(model, *pair) for pair in zip(prompts, answers, strict=True)])


def read_point(
    model: PreTrainedModel,
    names: Sequence[str],
    prompts: Sequence[Tokens],
    answers: Sequence[Tokens],
    reference: Reference,
    *,
    layer: int,
    units: dict[str, NDArray[np.float64]],
    batch_rows: int,
) -> list[dict[str, Any]]:
    """Rows of `READINGS` without subject and arm.

    Args:
        model: as it is at this point.
        names: question_id of each question.
        prompts: see `refer`.
        answers: see `refer`.
        reference: of the instruct model.
        layer: see `refer`.
        units: unit vectors [count, d_model] by `projection` (one, or none), `random_isotropic`,
            `random_covariance`.
        batch_rows: see `refer`.
    """
    hidden = read_closing(model, prompts, 1, batch_rows)[:, 0, layer].astype(np.float64)
    shifts = np.linalg.norm(hidden - reference.hidden, axis=1)
    read = {name: hidden @ vectors.T for name, vectors in units.items()}
    rows = []
    for number, name in enumerate(names):
        after = _said(model, prompts[number], answers[number])
        own = read["projection"][number]
        rows.append(
            {
                "question_id": name,
                "projection": float(own[0]) if len(own) else None,
                "random_isotropic": read["random_isotropic"][number].astype(np.float32),
                "random_covariance": read["random_covariance"][number].astype(np.float32),
                "shift": float(shifts[number]),
                "kl": float(divergences(reference.said[number], after).sum()),
                "kl_tokens": len(answers[number]),
            }
        )
    return rows


def readings_table(rows: list[dict[str, Any]]) -> pa.Table:
    """A table of `READINGS`."""
    import pyarrow as pa

    return pa.Table.from_pylist(rows, schema=READINGS)


def _said(model: PreTrainedModel, prompt: Tokens, answer: Tokens) -> torch.Tensor:
    places = range(len(prompt), len(prompt) + len(answer))
    return said_at(model, [*prompt, *answer], places)
