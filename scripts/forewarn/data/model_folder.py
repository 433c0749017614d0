"""A model's tokenizer, checked against the model before any row is formatted with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from forewarn.chat.guards import check_tokenizer
from forewarn.chat.template import DefaultSystem
from forewarn.errors import StudyError
from forewarn.files import read_json
from forewarn.models.load import load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


FAMILIES = {
    "qwen2": ("qwen2",),
    "llama": ("llama",),
    "gemma2": ("gemma2",),
    "gemma3": ("gemma3", "gemma3_text"),
}
"""A family of the configuration -> what its models call themselves in config.json (`model_type`)."""


def checked_tokenizer(
    source: Path, default_system: DefaultSystem, family: str | None = None
) -> PreTrainedTokenizerBase:
    """Load a model's tokenizer, and refuse one that does not belong to the model.

    Args:
        source: the model's folder; the configuration is read, not the weights.
        default_system: what to do about a system prompt that the template adds unasked.
        family: the family that is configured for the model, one of `FAMILIES`; None for any.

    Raises:
        StudyError: as `load_tokenizer` and `check_tokenizer`; config.json is missing or broken, or of
            another family.
    """
    tokenizer = load_tokenizer(source)
    model = _configuration(source)
    if family is not None and model["model_type"] not in FAMILIES[family]:
        raise StudyError(
            f"{source} is a `{model['model_type']}` model, but configured with `family: {family}`",
            "correct the model's name, path or family in the configuration",
        )
    text_model = model.get("text_config", model)  # multimodal models keep their language model's apart
    check_tokenizer(
        tokenizer,
        default_system=default_system,
        model_type=text_model.get("model_type"),
        vocabulary=text_model.get("vocab_size"),
    )
    return tokenizer


def _configuration(source: Path) -> dict[str, Any]:
    """The content of config.json, without the model classes (and torch) that `transformers` would load."""
    way_out = "give a model as `save_pretrained` wrote it, with its config.json"
    try:
        content: dict[str, Any] = read_json(source / "config.json")
    except (OSError, ValueError) as error:
        raise StudyError(f"config.json of {source} cannot be read: {error}", way_out) from error
    if "model_type" not in content:
        raise StudyError(f"config.json of {source} names no `model_type`", way_out)
    return content
