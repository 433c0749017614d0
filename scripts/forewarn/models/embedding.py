"""Sentence embeddings of prompts: what a general-purpose encoder makes of their text.

A baseline for detectors: whoever reads the prompt with another model could know as much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.models.damage import some, told
from forewarn.models.load import device
from forewarn.progress import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

LONGEST = 512
"""Tokens of a text that are read, where the model does not say that it can read fewer."""


def prompt_text(messages: Sequence[Mapping[str, str]]) -> str:
    """A prompt as plain text: the contents of all its messages, system line and earlier turns included.

    The words of the chat template are left out. The question comes last.
    """
    return "\n".join(message["content"] for message in messages)


def load_encoder(source: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Load an encoder without its head, in float32, and its tokenizer; nothing but safetensors, no code.

    Raises:
        StudyError: files are missing or broken, or do not fit together.
    """
    import torch
    from transformers import PreTrainedTokenizerFast
    from transformers.models.auto.modeling_auto import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    for file in ("config.json", "tokenizer.json"):
        if not (source / file).is_file():
            raise StudyError(
                f"{source} has no {file}",
                "give the folder of an encoder, with its fast tokenizer, as `save_pretrained` writes them",
            )
    if not any(source.glob("*.safetensors")):
        raise StudyError(
            f"{source} has no weights (*.safetensors)",
            "save the encoder with `save_pretrained`, which writes safetensors; pickled weights are not read",
        )
    with told(source, "the tokenizer", "check tokenizer.json, or fetch it again"):
        tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(
            str(source), local_files_only=True
        )
    with told(source, "the encoder", "fetch it again if its files are damaged, or take another one"):
        model, report = AutoModel.from_pretrained(
            str(source),
            local_files_only=True,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    if model.config.is_encoder_decoder:
        raise StudyError(
            f"{source} is an encoder with a decoder ({model.config.model_type})",
            "take a model that has one of the two, such as those of the BERT family",
        )
    missing = [name for name in report["missing_keys"] if not name.startswith("pooler.")]  # not used here
    if missing:
        raise StudyError(
            f"the weights of {source} lack {some(missing)}",
            "use weights and config.json of one and the same model",
        )
    model.requires_grad_(False)
    encoder: PreTrainedModel = model.eval().to(device())
    return encoder, tokenizer


def embed(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], batch_rows: int = 64
) -> NDArray[np.float32]:
    """Mean over tokens of the last hidden state, scaled to length 1: float32 `[texts, d_model]`.

    Of a text that is too long the beginning is cut off, for the question stands at its end.
    """
    import torch

    tokenizer.truncation_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
    longest = _longest(model, tokenizer)
    vectors: NDArray[np.float32] | None = None
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]), reverse=True)
    progress = Progress("embed", len(texts))
    for start in range(0, len(order), batch_rows):
        numbers = order[start : start + batch_rows]
        batch = tokenizer(
            [texts[number] for number in numbers],
            padding=True, truncation=True, max_length=longest, return_tensors="pt",
        )  # fmt: skip
        ids, mask = batch["input_ids"].to(model.device), batch["attention_mask"].to(model.device)
        with torch.inference_mode():
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            weights = mask.unsqueeze(-1).float()
            mean = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
            unit = torch.nn.functional.normalize(mean, dim=-1)
        if vectors is None:
            vectors = np.empty((len(texts), unit.shape[-1]), dtype=np.float32)
        vectors[numbers] = unit.cpu().numpy()
        progress.step(int(mask.sum()), len(numbers))
    if vectors is None:
        raise StudyError("there is no prompt to embed", "check the question set in the settings")
    return vectors


def _longest(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> int:
    """Tokens that the model can read, by its tokenizer and its positions (RoBERTa's begin at the pad)."""
    positions = getattr(model.config, "max_position_embeddings", None) or LONGEST
    if model.config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        positions -= (model.config.pad_token_id or 0) + 1
    return int(min(positions, tokenizer.model_max_length, LONGEST))
