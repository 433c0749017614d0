"""LoRA adapters (2106.09685; rank-stabilised: 2312.03732) by peft: their settings, matrices and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from forewarn.errors import StudyError

if TYPE_CHECKING:
    import torch
    from peft import LoraConfig, PeftModel

VISION = ("vision_tower", "multi_modal_projector")
"""Names of a multimodal model's parts that text does not pass through."""

PREFIX, SUFFIX = "base_model.model.", ".weight"
"""What peft puts around a module's own name in the name of a LoRA matrix."""


def draw_adapter(model: Any, adapter: dict[str, Any], seed: int) -> PeftModel:
    """Wrap `model` in a fresh adapter whose A matrices are drawn from `seed` and whose B matrices are zero.

    Args:
        model: the causal language model to fine-tune.
        adapter: `rank`, `alpha`, `rslora`, `dropout`, `target_modules`, `layers` (None: all).
        seed: seeds every generator, before the matrices are drawn.

    Raises:
        StudyError: a layer or a target module is not in the model.
    """
    from peft import get_peft_model
    from transformers import set_seed

    _check_fits(model, adapter)
    set_seed(seed)
    wrapped = get_peft_model(model, lora_config(adapter, text_only=_sees(model)))
    # Given a name, peft would look for that model's files, here and on the hub, whenever it saves.
    wrapped.peft_config["default"].base_model_name_or_path = None
    return wrapped


def lora_config(adapter: dict[str, Any], *, text_only: bool = False) -> LoraConfig:
    """Peft's configuration of the adapter that `adapter` (see `draw_adapter`) describes.

    Args:
        adapter: see `draw_adapter`.
        text_only: leave out what reads images, whose projections have the names of the text's.
    """
    from peft import LoraConfig

    return LoraConfig(
        task_type="CAUSAL_LM",
        r=adapter["rank"],
        lora_alpha=adapter["alpha"],
        use_rslora=adapter["rslora"],
        lora_dropout=adapter["dropout"],
        target_modules=list(adapter["target_modules"]),
        layers_to_transform=adapter["layers"],
        exclude_modules=rf".*({'|'.join(VISION)}).*" if text_only else None,
        bias="none",
    )


def _sees(model: Any) -> bool:
    """Whether the model has parts that read images (Gemma 3 from 4 billion parameters on)."""
    return any(part in name.split(".") for name, _ in model.named_modules() for part in VISION)


def adapter_state(model: PeftModel) -> dict[str, torch.Tensor]:
    """The adapter's matrices under the names that peft reads from `adapter_model.safetensors`."""
    from peft import get_peft_model_state_dict

    state = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: tensor.detach() for name, tensor in state.items()}


def lora_matrices(model: PeftModel) -> dict[str, torch.Tensor]:
    """The adapter's matrices by module: `{module}.lora_A` [rank, in], `{module}.lora_B` [out, rank]."""
    return {
        name.removeprefix(PREFIX).removesuffix(SUFFIX): tensor
        for name, tensor in adapter_state(model).items()
    }


def adapter_settings(model: PeftModel, name: str) -> dict[str, Any]:
    """The content of `adapter_config.json`, with `name` as the base model's.

    It is sorted throughout, so that equal adapters give equal bytes: peft keeps module names in sets, whose
    order changes from process to process.
    """
    config = model.peft_config["default"].to_dict()
    config |= {"base_model_name_or_path": name, "inference_mode": True}
    return {
        key: sorted(value) if isinstance(value, set) else getattr(value, "value", value)
        for key, value in sorted(config.items())
    }


def _check_fits(model: Any, adapter: dict[str, Any]) -> None:
    layers = model.config.get_text_config().num_hidden_layers
    for layer in adapter["layers"] or []:
        if not 0 <= layer < layers:
            raise StudyError(
                f"the adapter is to be on layer {layer}, but the model has layers 0 to {layers - 1}",
                "correct `layers` of the adapter, or set it to null for all layers",
            )
    modules = {module.rpartition(".")[2] for module, _ in model.named_modules()}
    for target in adapter["target_modules"]:
        if target not in modules:
            projections = ", ".join(sorted(name for name in modules if name.endswith("_proj")))
            raise StudyError(
                f"the adapter is to be on modules `{target}`, which the model does not have",
                f"correct `target_modules` of the adapter; the model's projections are: {projections}",
            )
