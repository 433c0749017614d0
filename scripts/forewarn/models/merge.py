"""Adapters, merged into the weights of the model that they were trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from forewarn.errors import StudyError
from forewarn.models.damage import some, told

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


def merge_adapter(model: PreTrainedModel, adapter: Path, dtype: torch.dtype | None = None) -> PreTrainedModel:
    """Merge a LoRA adapter into a model's weights; returns the model, without `peft` around it.

    Each weight is added to in float32 and rounded once, matrix by matrix, so that a model never exists in
    float32 as a whole.

    Args:
        model: the model that the adapter was trained on.
        adapter: folder with adapter_config.json and adapter_model.safetensors.
        dtype: of the weights that were added to; None keeps theirs.

    Raises:
        StudyError: the adapter's files are missing or broken, or it belongs to another model.
    """
    from peft import PeftConfig, PeftModel
    from peft.tuners.lora import LoraLayer

    missing = [name for name in ADAPTER_FILES if not (adapter / name).is_file()]
    if missing:
        raise StudyError(f"{adapter} has no {some(missing)}", "give a folder that `peft` saved")
    way_out = "use the adapter with the model that it was trained on, or train it again"
    with told(adapter, "the adapter", way_out):
        wrapped = PeftModel(model, PeftConfig.from_pretrained(str(adapter)))
        report = wrapped.load_adapter(str(adapter), "default", is_trainable=False)
    strangers = report.missing_keys + report.unexpected_keys
    if strangers:
        raise StudyError(f"the adapter {adapter} does not fit the model: {some(strangers)}", way_out)
    for module in wrapped.modules():
        if isinstance(module, LoraLayer):
            weight = module.get_base_layer().weight
            weight.data = (weight.float() + module.get_delta_weight("default").float()).to(
                dtype or weight.dtype
            )
    merged: PreTrainedModel = wrapped.unload()
    return merged
